"""What an account may send now: under its lease, within its budget, and not in an outage."""
