"""Run the whole product on this machine."""

import typer

from email_opens_cli.terminal.complaints import complaints


def demo() -> None:
    """Run the whole product on this machine: no account and no keys are needed."""
    from email_opens_cli.demo.demo import run  # noqa: PLC0415 - boto3 and the emulator

    with complaints():
        raise typer.Exit(run())
