"""The e-mails that commands work on: what is tracked, and what was sent and may be tracked."""
