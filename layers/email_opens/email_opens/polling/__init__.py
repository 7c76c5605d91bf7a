"""One poll of one activity: read, publish, record, advance."""
