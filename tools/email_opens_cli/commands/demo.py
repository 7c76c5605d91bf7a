"""Run the whole product on this machine."""

import signal
import sys

import typer

from email_opens_cli.terminal.complaints import FAILED, complain
from email_opens_cli.terminal.complaints import INTERRUPTED as EXIT_CODE


def demo() -> None:
    """Run the whole product on this machine: no account and no keys are needed."""
    if sys.platform == "win32":
        complain("The demo needs Linux or macOS; in Windows, run it in WSL.", FAILED)
    from email_opens_cli.demo.screen import Screen  # noqa: PLC0415 - the picture needs rich
    from email_opens_cli.demo.words import INTERRUPTED  # noqa: PLC0415

    for name in ("SIGTERM", "SIGHUP"):  # They end the demo as Ctrl-C does. Windows has one of them.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    screen = Screen()
    try:
        screen.introduce()
        with screen.steps() as steps:
            steps("Loading the emulators")
            from email_opens_cli.demo.demo import run  # noqa: PLC0415 - boto3 and the emulator

            status = run(screen, steps)
    except KeyboardInterrupt:
        screen.failed(INTERRUPTED)
        raise typer.Exit(EXIT_CODE) from None
    raise typer.Exit(status)
