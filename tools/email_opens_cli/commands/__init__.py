"""A file for each word that a person types."""
