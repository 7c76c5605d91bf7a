"""Commands about opens."""
