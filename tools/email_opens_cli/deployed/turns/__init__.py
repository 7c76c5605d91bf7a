"""The turns of a stack: their schedules, the leases beside them, and their reports."""
