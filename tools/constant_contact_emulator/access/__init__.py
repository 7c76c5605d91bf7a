"""Access to the API: tokens, consent, and limits."""
