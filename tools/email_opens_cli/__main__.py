"""`python -m email_opens_cli`: the same as `email-opens`."""

from email_opens_cli.main import app

app(prog_name="email-opens")
