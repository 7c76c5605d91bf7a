"""Adapters for one machine without AWS: a SQLite state file, and opens as lines of JSON."""
