"""The demo's output: a picture that moves on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from email_opens_cli.demo.picture import Arrival, State, clock_time, picture
from email_opens_cli.demo.steps import Steps
from email_opens_cli.demo.subscriber import UnderWay
from email_opens_cli.demo.words import (
    COMPLETE,
    REPEATED,
    STORY,
    TIME_IS_UP,
    WHAT,
    next_steps,
)
from email_opens_cli.terminal.console import Styled, TextConsole
from email_opens_cli.terminal.moving import indented, moves, moving


class Screen:
    """A terminal, or what is not one."""

    def __init__(self, console: TextConsole | None = None) -> None:
        console = console or TextConsole()
        # Not on a terminal, a line is as long as its text.
        self._console = (
            console if console.is_terminal else TextConsole(file=console.file, soft_wrap=True)
        )
        self._moves = moves(self._console)
        self._shown: Arrival | None = None
        """The latest open that a plain line has shown."""
        self._counts = ""
        """The latest counts that a plain line has shown."""

    def introduce(self) -> None:
        """Say what a person is about to see, and how long it takes."""
        for paragraph in (WHAT, STORY):
            self._console.print(paragraph)
            self._console.print()

    @contextmanager
    def steps(self) -> Iterator[Steps]:
        """Show steps as they are taken."""
        steps = Steps(self._console)
        try:
            yield steps
        finally:
            steps.stop()

    @contextmanager
    def shows(self, state: Callable[[], State]) -> Iterator[None]:
        """Keep the picture of what `state` returns on the screen, if this is a terminal."""
        if not self._moves:
            yield
            return

        with moving(
            self._console,
            lambda: picture(state(), self._console.width, self._console.height),
        ):
            yield

    def report(self, state: State, now: datetime) -> None:
        """Print the counts and the latest opens as lines, if there is no picture of them."""
        if self._moves:
            return
        latest = list(state.latest)
        if self._shown in latest:
            latest = latest[latest.index(self._shown) + 1 :]
        for arrival in latest:
            self._console.print(f"{arrival.time}  {arrival}")
            self._shown = arrival
        counts = " · ".join(map(str, state.counts))
        if counts != self._counts:
            self._console.print(f"{clock_time(now)}  {counts}")
            self._counts = counts

    def announce(self, now: datetime, title: str, sentence: str) -> None:
        """Print what the demo does now, on purpose."""
        self._line(now, (f"{title}: ", "bold yellow"), (sentence, ""))

    def tell(self, now: datetime, sentence: str) -> None:
        """Print what happens now."""
        self._line(now, (sentence, ""))

    def passed(self, now: datetime, sentence: str) -> None:
        """Print what has gone well."""
        self._line(now, ("✓ ", "green"), (sentence, ""))

    def summary(
        self,
        reported: int,
        received: int,
        under_way: Mapping[str, UnderWay],
        repeated: int,
        again: int = 0,
    ) -> None:
        """Print the result; `under_way` holds, by e-mail, what had not arrived in time.

        `again` counts what a subscriber recognizes as received before, by its id.
        """
        left = [f"Still under way              {name}: {rows}" for name, rows in under_way.items()]
        for line in (
            "",
            f"Rows in the vendor's report  {reported:,}",
            f"Opens received               {received:,}",
            *(left or ["Lost                         0"]),
            f"Repeated                     {repeated:,}",
            *([f"Dropped, as their id had been received before: {again:,}"] if again else []),
            "",
        ):
            self._console.print(line)
        if repeated:
            self.failed(REPEATED)
        elif under_way:
            self.failed(TIME_IS_UP)
        else:
            self._console.print(COMPLETE, style="green")
            self._console.print()

    def failed(self, sentence: str) -> None:
        """Print what went wrong."""
        for line in sentence.splitlines():
            self._console.print(line, style="red")

    def next_steps(self, program: str, *, in_clone: bool) -> None:
        """Print what a person may do next."""
        self._console.print()
        self._console.print("What next", style="bold")
        steps = next_steps(program, in_clone=in_clone)
        width = max(len(what) for what, _ in steps)
        lines = [f"  {what.ljust(width)}  {about}" for what, about in steps]
        if not self._moves or max(map(len, lines)) <= self._console.width:
            for line in lines:
                self._console.print(line)
            return
        for what, about in steps:
            self._console.print(f"  {what}")
            self._console.print(indented("  ", (about, "")))

    def _line(self, now: datetime, *parts: Styled) -> None:
        time = clock_time(now)
        if self._moves:
            self._console.print(indented(time, *parts))
        else:
            self._console.print(f"{time}  {''.join(text for text, _ in parts)}")
