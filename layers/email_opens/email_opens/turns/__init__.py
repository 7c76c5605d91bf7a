"""One account's turn: the work that is done under its lease and within its budget."""
