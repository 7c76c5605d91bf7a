"""Implementations of the ports over real services."""
