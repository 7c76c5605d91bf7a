"""`python -m email_opens_cli`: the same as `email-opens`."""

import signal


def main() -> None:
    """Run the command line."""
    ignores = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if not ignores:  # Until everything is loaded, Ctrl-C ends the process without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from email_opens_cli.main import app  # noqa: PLC0415

    if not ignores:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app(prog_name="email-opens")


if __name__ == "__main__":
    main()
