"""Run the whole product on this machine."""

import sys

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.terminal.complaints import complaints


def demo() -> None:
    """Run the whole product on this machine: no account and no keys are needed."""
    with complaints():
        if sys.platform == "win32":
            raise InvalidInput(
                "The demo runs on Linux and macOS, where SAM can build the layer with make. "
                "Run it in WSL instead."
            )
        from email_opens_cli.demo.demo import run  # noqa: PLC0415 - boto3 and the emulator

        raise typer.Exit(run())
