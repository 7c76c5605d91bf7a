"""How soon an open is published for the requests of a day: `python -m bench.freshness`."""
