"""The demo's output: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.status import Status
from rich.table import Table
from rich.text import Text

from email_opens.instants import iso
from email_opens.model import Activity
from email_opens_cli.demo.subscriber import Received, UnderWay

LATEST = 5
"""The number of latest opens that are shown."""


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

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._step = ""
        self._began_seconds = 0.0

    def __call__(self, step: str) -> None:
        self.stop()
        self._step, self._began_seconds = step, time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status(f"{step} …")
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
            self._console.print(f"[green]✓[/] {self._step} ({took_seconds:.0f} s)")
        self._step = ""


class Screen:
    """A terminal, or what is not one."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._live: Live | None = None
        self._shown = 0

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Show steps as they are taken."""
        progress = Progress(self._console)
        try:
            yield progress
        finally:
            progress.stop()

    def live(self) -> AbstractContextManager[object]:
        """Redraw the table in place, if this is a terminal."""
        if not self._console.is_terminal:
            return nullcontext()
        self._live = Live(console=self._console, refresh_per_second=4)
        return self._live

    def show(
        self, lines: Sequence[Shown], received: Sequence[Received], reply: dict[str, Any]
    ) -> None:
        """Show the progress of each activity, and the latest opens."""
        latest = received[self._shown :][-LATEST:]
        self._shown = len(received)
        if self._live:
            opens = [Text(_open(arrival)) for arrival in received[-LATEST:]]
            self._live.update(Group(*opens, Text(), _table(lines)))
            return
        for arrival in latest:
            print(_open(arrival), flush=True)
        progress = "; ".join(_line(line) for line in lines)
        print(f"poll: {reply['requests']} requests, {reply['published']} published · {progress}")

    def summary(
        self, reported: int, received: int, under_way: Mapping[str, UnderWay], repeated: int
    ) -> None:
        """Print the result; `under_way` holds, by send, what had not arrived when time ran out."""
        left = "".join(f"Still under way              {n}: {u}\n" for n, u in under_way.items())
        self._console.print(
            f"\nRows in the vendor's report  {reported}\n"
            f"Opens received               {received}\n"
            f"{left or 'Missing                      0\n'}"
            f"Repeated                     {repeated}\n"
        )
        if repeated:
            self.failed("Some opens were received more than once.")
        elif under_way:
            self.failed(
                "The demo's time ran out while rows were still under way. "
                "Run `make demo` again when the machine has less to do."
            )
        else:
            self._console.print("[green]Every open was received exactly once.[/]")

    def failed(self, sentence: str) -> None:
        """Print what went wrong."""
        self._console.print(sentence, style="red", markup=False)


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


def _table(lines: Sequence[Shown]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("Activity", "Watermark"):
        table.add_column(name)
    for name in ("Gaps", "Published", "Reported", "Received", "Delay"):
        table.add_column(name, justify="right")
    for line in lines:
        activity = line.activity
        table.add_row(
            line.name,
            iso(activity.progress.watermark) if activity.progress.watermark else "-",
            *(
                str(n)
                for n in (len(activity.progress.gaps), activity.counts.published, line.reported)
            ),
            str(len(line.received)),
            line.delay,
        )
    return table
