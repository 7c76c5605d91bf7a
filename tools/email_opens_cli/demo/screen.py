"""The demo's output: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.status import Status

from email_opens.instants import iso
from email_opens.model import Activity
from email_opens_cli.demo.subscriber import Received, UnderWay
from email_opens_cli.terminal.columns import Column, table
from email_opens_cli.terminal.console import Renderable, TextConsole, redrawn, say, styled

LATEST = 5
"""The number of latest opens that are shown."""
_COLUMNS = (
    Column("Activity", 14, rank=0),
    Column("Watermark", 20, rank=1),
    Column("Gaps", 4, rank=2, right=True),
    Column("Published", 9, rank=3, right=True),
    Column("Reported", 8, rank=4, right=True),
    Column("Received", 8, rank=5, right=True),
    Column("Delay", 6, rank=6, right=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A line of the table."""

    name: str
    activity: Activity
    reported: int
    received: Sequence[Received]

    @property
    def delay(self) -> str:
        """The median time from open to subscriber, of the opens made since the tracking."""
        seconds = [
            arrival.delay_seconds
            for arrival in self.received
            if arrival.open.created_time >= self.activity.tracked_at.replace(microsecond=0)
        ]
        return f"{median(seconds):.1f} s" if seconds else "-"


class Progress:
    """The current step, and how long each step took."""

    def __init__(self, console: TextConsole) -> None:
        self._console = console
        self._status: Status | None = None
        self._step = ""
        self._began_seconds = 0.0

    def __call__(self, step: str) -> None:
        self.stop()
        self._step, self._began_seconds = step, time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status(styled((f"{step} …", "")))
            self._status.start()
        else:
            self._console.print(f"{step} …")

    def stop(self) -> None:
        """End the step."""
        if self._status:
            self._status.stop()
            self._status = None
        if self._step and self._console.is_terminal:
            took_seconds = time.monotonic() - self._began_seconds
            step = f" {self._step} ({took_seconds:.0f} s)"
            self._console.print(styled(("✓", "green"), (step, "")))
        self._step = ""


class Screen:
    """A terminal, or what is not one."""

    def __init__(self, console: TextConsole | None = None) -> None:
        self._console = console or TextConsole(soft_wrap=True)
        self._redraw: Callable[..., None] | None = None
        self._shown = 0

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Show steps as they are taken."""
        progress = Progress(self._console)
        try:
            yield progress
        finally:
            progress.stop()

    @contextmanager
    def live(self) -> Iterator[None]:
        """Redraw the table in place, if this is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with redrawn(self._console) as self._redraw:
            yield

    def show(
        self, lines: Sequence[Shown], received: Sequence[Received], reply: dict[str, Any]
    ) -> None:
        """Show the progress of each activity, and the latest opens."""
        latest = received[self._shown :][-LATEST:]
        self._shown = len(received)
        if self._redraw:
            self._redraw(*map(_open, received[-LATEST:]), "", _table(lines))
            return
        say(*map(_open, latest))
        progress = "; ".join(_line(line) for line in lines)
        say(f"poll: {reply['requests']} requests, {reply['published']} published · {progress}")

    def summary(
        self, reported: int, received: int, under_way: Mapping[str, UnderWay], repeated: int
    ) -> None:
        """Print the result; `under_way` holds, by send, what had not arrived when time ran out."""
        left = [f"Still under way              {n}: {u}" for n, u in under_way.items()]
        for line in (
            "",
            f"Rows in the vendor's report  {reported}",
            f"Opens received               {received}",
            *(left or ["Missing                      0"]),
            f"Repeated                     {repeated}",
            "",
        ):
            self._console.print(line)
        if repeated:
            self.failed("Some opens were received more than once.")
        elif under_way:
            self.failed(
                "The demo's time ran out while rows were still under way. "
                "Run `make demo` again when the machine has less to do."
            )
        else:
            self._console.print("Every open was received exactly once.", style="green")

    def failed(self, sentence: str) -> None:
        """Print what went wrong."""
        for line in sentence.splitlines():
            self._console.print(line, style="red")


def _open(arrival: Received) -> str:
    device = arrival.open.device_type or "an unnamed device"
    address = arrival.email_address or "an erased contact"
    return f"{iso(arrival.open.created_time)}  {address} opened on {device}"


def _line(line: Shown) -> str:
    activity, progress = line.activity, line.activity.progress
    return (
        f"{line.name}: watermark {iso(progress.watermark) if progress.watermark else '-'}, "
        f"{len(progress.gaps)} gaps, published {activity.counts.published} of {line.reported}, "
        f"delay {line.delay}"
    )


def _table(lines: Sequence[Shown]) -> Renderable:
    return table(_COLUMNS, map(_cells, lines))


def _cells(line: Shown) -> dict[str, str]:
    progress = line.activity.progress
    return {
        "Activity": line.name,
        "Watermark": iso(progress.watermark) if progress.watermark else "-",
        "Gaps": str(len(progress.gaps)),
        "Published": str(line.activity.counts.published),
        "Reported": str(line.reported),
        "Received": str(len(line.received)),
        "Delay": line.delay,
    }
