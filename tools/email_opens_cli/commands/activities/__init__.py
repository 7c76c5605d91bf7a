"""Commands about what is tracked."""
