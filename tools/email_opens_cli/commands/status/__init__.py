"""`email-opens status`: the command, what it reads, and the two forms of the answer."""
