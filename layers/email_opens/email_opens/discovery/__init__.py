"""The search for sends that are not tracked yet."""
