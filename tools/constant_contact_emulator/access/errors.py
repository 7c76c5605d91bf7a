"""Why the authorization server issues no tokens."""


class ConsentRefused(Exception):
    """A code that grants nothing, or nothing yet; its text is the OAuth 2 error code."""
