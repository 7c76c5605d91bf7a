"""What keeps the ports on real services."""
