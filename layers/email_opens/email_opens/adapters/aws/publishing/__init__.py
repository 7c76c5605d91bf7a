"""Opens to a topic, and what it refuses to a dead-letter queue."""
