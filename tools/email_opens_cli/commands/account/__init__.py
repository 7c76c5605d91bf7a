"""Commands about an account and what it has sent."""
