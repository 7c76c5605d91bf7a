"""One account's turn: the lease, the day's budget, and the work that is done with them."""
