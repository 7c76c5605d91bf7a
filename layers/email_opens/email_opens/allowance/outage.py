"""Whether the vendor fails for one activity or for all of them, and how long to pause then. Pure.

A failure of one activity stops no other. But when several different activities fail in a row and
none succeeds, further requests would be wasted: the account pauses, one request tests whether the
vendor answers again, and the pause grows.
"""

from collections.abc import Collection
from copy import replace
from datetime import timedelta

from msgspec import Struct

IN_A_ROW = 3
"""Different subjects that fail in a row make an outage."""
LESS_TELLING_IN_A_ROW = 12
"""So many make an outage if others were answered just before, or if each had failed before."""
MOST_ASKED_BY_ONE = timedelta(hours=1)
"""The longest pause that a reply about one subject can cause: it may concern that one alone."""
PAUSES = (timedelta(seconds=15), timedelta(seconds=30), timedelta(seconds=50))
"""The pauses after the first attempts; the last one is repeated. It is shorter than the minute
between two turns, so that each turn sends one request."""


class Outage(Struct, frozen=True, kw_only=True):
    """What the holder of a lease has seen of the vendor's failures."""

    attempts: int = 0
    """Attempts in a row that found the vendor failing; stored with the account."""
    answered: bool = False
    """The vendor has answered a request of this lease."""
    failing: frozenset[str] = frozenset()
    """Subjects that have failed since the last answer."""
    known: frozenset[str] = frozenset()
    """Subjects whose last request before this lease failed."""
    alone: bool = False
    """Other subjects did not fail then, so only the known ones are failing."""
    asked: timedelta = timedelta()
    """The longest pause that the vendor has asked for since it last answered."""

    @property
    def testing(self) -> bool:
        """Whether the next request tests if the vendor answers again."""
        return self.attempts > 0

    @property
    def pause(self) -> timedelta:
        """The pause after the latest attempt."""
        usual = PAUSES[min(self.attempts, len(PAUSES)) - 1] if self.attempts else timedelta()
        return max(usual, self.asked)

    def knowing(self, failed: Collection[str], subjects: Collection[str]) -> "Outage":
        """Return the state at the start of a lease; of all `subjects`, some had `failed` before."""
        alone = not self.testing and bool(set(subjects).difference(failed))
        return replace(self, known=frozenset(failed), alone=alone)

    def suspects_all(self, subject: str) -> bool:
        """Return whether a failure of this subject may mean that the vendor fails for all."""
        return not (self.answered or (self.alone and subject in self.known))

    def after_answer(self) -> "Outage":
        """Return the state after the vendor has answered."""
        return replace(self, attempts=0, answered=True, failing=frozenset(), asked=timedelta())

    def after_failure(self, subject: str, asked: timedelta = timedelta()) -> "Outage":
        """Return the state after a subject has failed; more attempts than before mean a pause.

        `asked` is the pause that the vendor asked for: a long one is meant for all requests,
        unless the vendor has just answered others.
        """
        failing = self.failing | {subject}
        asks = asked >= PAUSES[0]
        new = len(failing - self.known if self.alone else failing)
        if self.testing:
            # Before another long pause, other subjects are tested too.
            found = not asks or len(failing) >= IN_A_ROW
        elif self.answered:
            found = new >= LESS_TELLING_IN_A_ROW
        else:
            found = (
                (asks and self.suspects_all(subject))
                or new >= IN_A_ROW
                or len(failing) >= LESS_TELLING_IN_A_ROW
            )
        if len(failing) == 1:
            asked = min(asked, MOST_ASKED_BY_ONE)
        asked = max(self.asked, asked if self.suspects_all(subject) else timedelta())
        noted = replace(self, failing=failing, asked=asked)
        return noted.after_attempt() if found else noted

    def after_lease(self) -> "Outage":
        """Return the state at the end of the lease: a test without an answer means a pause."""
        unanswered = self.testing and self.failing and not self.answered
        return self.after_attempt() if unanswered else self

    def after_refusal(self, subject: str) -> "Outage":
        """Return the state after a subject was refused to an account that the vendor serves."""
        known = self.known | {subject}
        return replace(self, known=known, alone=not self.testing).after_failure(subject)

    def after_attempt(self) -> "Outage":
        """Return the state after an attempt that found the vendor failing."""
        return replace(self, attempts=self.attempts + 1, failing=frozenset())
