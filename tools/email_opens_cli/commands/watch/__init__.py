"""`email-opens watch`: the command, its turns and its credentials."""
