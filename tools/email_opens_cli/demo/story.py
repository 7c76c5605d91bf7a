"""The story that the demo tells: opens arrive, and three things go wrong on purpose."""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol

from email_opens.ports import Clock
from email_opens_cli.demo.function import Ending
from email_opens_cli.demo.picture import State, clock_time
from email_opens_cli.demo.progress import Progress
from email_opens_cli.demo.screen import Screen
from email_opens_cli.demo.sends import LATE, TWIN
from email_opens_cli.terminal.complaints import FAILED
from embedded_aws import EmbeddedAwsFailed

BETWEEN_POLLS = timedelta(seconds=2)
LONGEST = timedelta(minutes=3)
"""The story ends by then, even if rows are still under way. It usually takes a minute."""
UNDER_WAY = 3
"""The exit code if rows are still under way when the time runs out."""
KILLED_AT_REQUEST = 7
"""The request for the backlog at which the function is killed.

By then four pages are published and recorded, and two more are in hand.
"""
_LOOKS = timedelta(seconds=0.2)
"""How often the demo looks what has been received."""


class Function(Protocol):
    """What the story needs of the deployed function."""

    def poll(self) -> Ending: ...

    def kill(self) -> bool: ...

    def lease_until(self) -> datetime | None: ...


class Story:
    """Two e-mails whose opens arrive, one of which has a backlog."""

    def __init__(
        self,
        *,
        progress: Progress,
        function: Function,
        screen: Screen,
        clock: Clock,
    ) -> None:
        self._progress, self._live, self._backlog = progress, progress.live, progress.backlog
        self._function, self._screen, self._clock = function, screen, clock
        self._ends = clock.now() + LONGEST
        self._activity: Callable[[], str] = lambda: "The function is starting."
        self._requests = 0
        """Requests for the backlog."""
        self._killed = False
        self._timed_out = False
        """The machine is so busy that a turn did not end in time, which may repeat opens."""
        self._live.world.before_request(self._note_request)

    def tell(self) -> int:
        """Tell the story; return 0 only if each open was received exactly once.

        Returns `UNDER_WAY` if rows had not been reported or received when the time ran out.
        """
        with self._screen.shows(self._state):
            try:
                self._first_read()
                self._rest_of_the_backlog()
                self._twins()
                self._late_row()
                self._last_opens()
            except _TimeIsUp:
                pass
            self._activity = str
        return self._conclude()

    def _conclude(self) -> int:
        left, repeated = self._progress.under_way(), self._progress.repeated()
        again = self._progress.received_again()
        if not self._timed_out:  # Without a fault, no open is published again.
            repeated, again = repeated + again, 0
        reported, received = self._progress.reported(), self._progress.received()
        self._screen.summary(len(reported), len(received), left, repeated, again)
        if repeated:
            return FAILED
        return UNDER_WAY if left else 0

    # --- The acts ---

    def _first_read(self) -> None:
        self._tell(
            f"Two e-mails are tracked. “{self._live.name}” has just been sent, and contacts are "
            f"opening it. “{self._backlog.name}” was sent three days ago, and has a backlog of "
            f"{self._backlog.rows:,} opens. The function polls both every two seconds; on AWS, it "
            "does so every minute."
        )
        self._poll_until(lambda: self._killed or self._progress.is_received(self._backlog))
        if not self._killed:
            raise EmbeddedAwsFailed("The process that runs the function was not found.")
        self._wait_for_the_lease("The killed turn")

    def _note_request(self, method: str, target: str) -> None:
        """Kill the function in the middle of the backlog, while it waits for a page."""
        del method
        if self._killed or self._backlog.activity_id not in target:
            return
        self._requests += 1
        if self._requests >= KILLED_AT_REQUEST and self._function.kill():
            self._killed = True
            self._screen.announce(
                self._clock.now(),
                "Killed function",
                f"the demo has just killed the process of the function, while it was reading the "
                f"backlog of “{self._backlog.name}”.",
            )

    def _rest_of_the_backlog(self) -> None:
        self._poll_until(lambda: self._progress.is_received(self._backlog))
        self._passed(
            f"All {self._backlog.rows:,} opens of the backlog were received, although the function "
            "was killed."
        )

    def _twins(self) -> None:
        now = self._clock.now()
        twin = self._live.add_twins(now)
        self._screen.announce(
            now,
            "Identical opens",
            f"{TWIN.email_address} opens “{self._live.name}” twice within the same second, on "
            "one device. The two rows of the report are identical in every field.",
        )
        self._poll_until(lambda: len(self._progress.ids(twin)) >= 2)  # noqa: PLR2004 - twins
        first, second = (event_id[:8] for event_id in self._progress.ids(twin)[:2])
        self._passed(f"Both were received, as two opens with different ids: {first}…, {second}….")

    def _late_row(self) -> None:
        now = self._clock.now()
        late = self._live.add_late(now)
        newer = sum(row.created_time > late.created_time for row in self._live.report())
        self._screen.announce(
            now,
            "Late row",
            f"only now does the report show that {LATE.email_address} opened "
            f"“{self._live.name}” at {clock_time(late.created_time)}, below {newer} newer "
            "rows.",
        )
        self._poll_until(lambda: bool(self._progress.ids(late)))
        self._passed("The late row was found and received.")

    def _last_opens(self) -> None:
        self._tell(f"The last opens of “{self._live.name}” are on their way.")
        self._poll_until(lambda: not self._progress.under_way())
        self._poll()  # A repeat of an open would arrive with the next poll.

    # --- Their parts ---

    def _poll_until(self, is_over: Callable[[], bool]) -> None:
        """Poll at an even pace until an act is over.

        Raises:
            _TimeIsUp: the story has taken too long.
        """
        while not is_over():
            next_poll = self._clock.now() + BETWEEN_POLLS
            if self._clock.now() > self._ends:
                raise _TimeIsUp
            self._poll()
            while self._clock.now() < next_poll and not is_over():
                self._clock.sleep(_LOOKS.total_seconds())
        self._report()

    def _poll(self) -> None:
        self._activity = lambda: "The function is polling."
        ending = self._function.poll()
        self._activity = lambda: "Waiting for the next poll."
        self._report()
        if ending is Ending.TIMED_OUT:
            self._timed_out = True
            self._wait_for_the_lease("The turn took too long on this machine, and was ended. It")

    def _wait_for_the_lease(self, turn: str) -> None:
        until = self._function.lease_until()
        if until is None:
            return
        self._tell(
            f"{turn} still holds the lease of the account, so that no two turns work on it at "
            f"once. The lease expires at {clock_time(until)}; until then, the opens wait "
            "in the vendor's report."
        )

        def left() -> float:
            return (until - self._clock.now()).total_seconds()

        self._activity = lambda: f"Waiting until the lease expires: {max(0, ceil(left()))} s"
        while (seconds := left()) > 0:
            self._report()
            self._clock.sleep(min(BETWEEN_POLLS.total_seconds(), seconds))
        self._tell(
            "The lease has expired. The next turn continues where the last recorded page ends."
        )

    def _state(self) -> State:
        return self._progress.state(self._activity())

    def _report(self) -> None:
        self._screen.report(self._state(), self._clock.now())

    def _tell(self, sentence: str) -> None:
        self._screen.tell(self._clock.now(), sentence)

    def _passed(self, sentence: str) -> None:
        self._screen.passed(self._clock.now(), sentence)


class _TimeIsUp(Exception):
    """The story has taken too long."""
