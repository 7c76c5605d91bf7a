"""The settings: what the environment's variables mean, and how each is read."""
