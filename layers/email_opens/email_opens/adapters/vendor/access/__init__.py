"""Access to the API: the authorization server, the tokens, and where they are stored."""
