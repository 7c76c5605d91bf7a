"""The reply of the API for each path."""
