"""Consent of an account: the OAuth flows, and credentials as a person provides them."""
