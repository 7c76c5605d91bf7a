"""The composition roots: each creates the adapters and passes them to the core."""
