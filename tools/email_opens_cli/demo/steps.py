"""The steps before the demo can begin, each with the seconds that it has taken so far."""

import time
from contextlib import ExitStack

from email_opens_cli.terminal.console import Renderable, TextConsole, styled
from email_opens_cli.terminal.moving import moves, moving, spinner


class Steps:
    """Shows the current step, and how long each step took, until it is closed."""

    def __init__(self, console: TextConsole) -> None:
        self._console = console
        self._shown = ExitStack()
        self._step = ""
        self._began_seconds = 0.0

    def __call__(self, step: str) -> None:
        """Begin a step; this ends the one before."""
        self.end()
        self._step, self._began_seconds = step, time.monotonic()
        if moves(self._console):
            self._shown.enter_context(moving(self._console, self._draw, transient=True))
        else:
            self._console.print(f"{step} …")

    def end(self) -> None:
        """End the step, which has succeeded."""
        step, seconds = self._step, self._seconds
        self.stop()
        if step and moves(self._console):
            self._console.print(styled(("✓", "green"), (f" {step} ({seconds} s)", "")))

    def stop(self) -> None:
        """Stop showing the step, which has failed or was interrupted."""
        self._shown.close()
        self._step = ""

    @property
    def _seconds(self) -> int:
        return round(time.monotonic() - self._began_seconds)

    def _draw(self) -> list[Renderable]:
        return [spinner(f"{self._step} … {self._seconds} s")]
