"""A person's consent for an account: the OAuth flows, and credentials provided as JSON."""
