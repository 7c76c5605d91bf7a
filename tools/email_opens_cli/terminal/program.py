"""The command line as a whole: what it exits with, however a command ends."""

from typing import Any

import typer
from typer.core import TyperGroup

from email_opens_cli.arguments import invocation
from email_opens_cli.terminal import streams
from email_opens_cli.terminal.complaints import FAILED, INTERRUPTED, complaints
from email_opens_cli.terminal.plain import warn


class Program(TyperGroup):
    """Runs one command; Ctrl-C at any time exits with 130, and a closed pipe with 0."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        streams.prepare()
        with invocation.begun():
            try:
                try:
                    return super().main(*arguments, **options)
                finally:
                    streams.flush()
            except SystemExit as ending:
                raise SystemExit(_exit_code(ending)) from None
            except BrokenPipeError:
                raise SystemExit(0) from None
            except OSError as error:
                if not streams.is_full(error):
                    raise
                streams.discard()
                warn(f"The output cannot be written: {error.strerror}.")
                raise SystemExit(FAILED) from None

    def invoke(self, ctx: Any) -> Any:
        # Within `main`, which also ends a complaint that Ctrl-C or a closed pipe cuts.
        with complaints():
            return super().invoke(ctx)


def _exit_code(ending: SystemExit) -> int | str | None:
    """Return the code of the documentation for what ended the command."""
    cause = ending.__context__
    # A prompt turns Ctrl-C into an Abort, as it does with the end of input.
    while isinstance(cause, typer.Abort | typer.Exit):
        cause = cause.__context__
    match cause:
        case KeyboardInterrupt():
            return INTERRUPTED
        case BrokenPipeError():  # of `email-opens … | head`, which has read enough
            streams.discard()
            return 0
        case _:
            return ending.code
