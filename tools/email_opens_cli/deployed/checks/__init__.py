"""Checks of what an account needs to be polled, each with the cheapest real request."""
