"""The rules that always hold, checked at every step of a simulation.

A broken rule is an `AssertionError` that says which.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from constant_contact_emulator import Row
from email_opens.errors import EmailOpensError
from email_opens.events import REJECTED, bucket, event_id, fingerprint, row_fingerprint
from email_opens.model import Activity, NewOpen, Open, Page, RejectedRow
from email_opens.poller import PAGES_IN_HAND
from email_opens.turns.report import TurnReport
from tests.simulation.invocation import Invocation, Killed

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

type Alike = tuple[str, str, datetime, str | None]

SECRETS = ("@", "Bearer ", "access-", "refresh-")
"""What no message may hold: addresses, and how the emulated vendor's tokens begin."""


class Broken(AssertionError):
    """A rule does not hold."""


class Rules:
    """What was seen so far, as far as the rules speak of it."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self.faults = 0
        self.rows: Counter[Alike] = Counter()
        self.most: Counter[Alike] = Counter()
        """The most rows alike that the report ever had at once."""
        self.delivered: Counter[str] = Counter()
        """Event ids that the topic or the dead-letter queue has, and how often."""
        self.repeats = 0
        self.least_requests = 0
        self._meant: dict[str, tuple[Alike, int]] = {}
        self._fingerprints: set[bytes] = set()
        self._set_aside: Counter[bytes] = Counter()
        self.requests: Counter[str] = Counter()
        """Requests of each UTC day, by the clock of who sent them."""
        self.broken: Broken | None = None
        self._read: defaultdict[tuple[Invocation, str], list[Open]] = defaultdict(list)

    def _require(self, holds: object, rule: str) -> None:
        """Break off where a rule does not hold; the core may swallow it, `still_hold` does not."""
        if not holds:
            self.broken = self.broken or Broken(rule)
            raise self.broken

    def still_hold(self) -> None:
        """Raise what was broken within an invocation."""
        if self.broken:
            raise self.broken

    # --- What happens ---

    def a_fault_happened(self) -> None:
        self.faults += 1

    def a_request_was_sent(self, now: datetime) -> None:
        day = now.date().isoformat()
        self.requests[day] += 1
        self._require(
            self.requests[day] <= self._simulation.requests_per_day,
            "6: more requests than the day's budget",
        )

    def a_row_came(self, row: Alike) -> None:
        self.rows[row] += 1
        self.most[row] = max(self.most[row], self.rows[row])

    def a_row_was_withdrawn(self, row: Alike) -> None:
        self.rows[row] -= 1

    def a_page_was_read(self, invocation: Invocation, page: Page) -> None:
        for row in page.opens:
            self._read[invocation, row.campaign_activity_id].append(row)

    def opens_were_delivered(self, opens: Sequence[NewOpen]) -> None:
        for new in opens:
            row = alike(new.open)
            self._require(
                new.occurrence <= self.most[row], "2: an open was published that is no row"
            )
            self._require(
                new.event_id == event_id(new.open, new.occurrence)
                and self._meant.setdefault(new.event_id, (row, new.occurrence))
                == (row, new.occurrence),
                "3: an open was published under another id",
            )
            self.repeats += new.event_id in self.delivered
            self.delivered[new.event_id] += 1
            self._fingerprints.add(fingerprint(new.event_id))
        in_hand = PAGES_IN_HAND * self._simulation.setting.page_rows
        self._require(
            self.faults or not self.repeats, "4: an open was published twice without a fault"
        )
        self._require(
            self.repeats <= self.faults * in_hand, "4: a fault repeats more than the pages in hand"
        )

    def rows_were_set_aside(self, rows: Iterable[RejectedRow]) -> None:
        for row in rows:
            mark = row_fingerprint(row.row)
            self._require(
                self.faults or mark not in self._set_aside,
                "4: a row was set aside twice without a fault",
            )
            self._set_aside[mark] += 1

    def the_ledger_grows(self, entries: Mapping[str, Collection[bytes]]) -> None:
        for name, marks in entries.items():
            known = self._set_aside.keys() if name == REJECTED else self._fingerprints
            self._require(all(mark in known for mark in marks), "1: recorded, and never delivered")

    def an_activity_was_saved(
        self, invocation: Invocation, before: Activity, saved: Activity
    ) -> None:
        old, new = before.progress.watermark, saved.progress.watermark
        self._require(
            old is None or (new is not None and new >= old), "5: a watermark has moved back"
        )
        seen = self._read.pop((invocation, saved.campaign_activity_id), [])
        if new is None or new == old:
            return
        for row in seen:
            above = old is None or row.created_time > old
            if above and row.created_time <= new and self._is_passed(saved, row):
                mark = fingerprint(event_id(row, 1))
                self._require(mark in self._fingerprints, "1: passed, and never delivered")
                known = self._simulation.ledger.entries.get(saved.campaign_activity_id, {})
                self._require(
                    mark in known.get(bucket(row.created_time), ()), "1: passed, and not recorded"
                )

    def an_invocation_ended(self, invocation: Invocation) -> None:
        for key in [key for key in self._read if key[0] is invocation]:
            del self._read[key]
        texts = [one.last_error for one in self._simulation.tracking.activities("default")]
        account = self._simulation.tracking.account("default")
        texts.append(account.last_error if account else None)
        if isinstance(invocation.result, TurnReport):
            turn = invocation.result
            pages = -(-turn.counts.published // self._simulation.setting.page_rows)
            self.least_requests += turn.activities + pages
            told = [failure.error for failure in turn.failures]
            texts += [str(one) for one in told if isinstance(one, EmailOpensError)]
            texts.append(str(turn.stopped))
            # A fault of a port is the simulation's own; any other error is a bug of the core.
            bugs = [one for one in told if not isinstance(one, EmailOpensError)]
            self._require(
                all(type(one).__name__ == "TableThrottled" for one in bugs),
                f"7: an activity failed by {bugs!r}",
            )
        elif invocation.error and not isinstance(invocation.error, Killed):
            self._require(
                type(invocation.error).__name__ == "TableThrottled",
                f"7: an invocation failed by {invocation.error!r}",
            )
        for text in texts:
            self._require(
                not any(secret in (text or "") for secret in SECRETS),
                "9: a message holds an address or a token",
            )

    # --- At rest ---

    def everything_was_delivered(self, activity_id: str, rows: Sequence[Row]) -> None:
        """Check that each visible row was delivered, and each twin that one page shows."""
        start = next(
            one.tracked_from
            for one in self._simulation.tracking.activities("default")
            if one.campaign_activity_id == activity_id
        )
        visible = Counter(
            alike_row(activity_id, row)
            for row in rows
            if row.raw is None and (start is None or row.created >= start)
        )
        one_page = len(rows) < self._simulation.setting.page_rows
        for row, times in visible.items():
            for occurrence in range(1, (times if one_page else 1) + 1):
                of = Open(*row, email_address="")
                self._require(
                    self.delivered[event_id(of, occurrence)], "1: a visible row was never delivered"
                )

    def _is_passed(self, activity: Activity, row: Open) -> bool:
        start = activity.tracked_from
        if start is not None and row.created_time < start:
            return False
        return not any(
            (gap.floor is None or row.created_time >= gap.floor)
            and (gap.ceiling is None or row.created_time <= gap.ceiling)
            for gap in activity.progress.gaps
        )


def alike(row: Open) -> Alike:
    return row.campaign_activity_id, row.contact_id, row.created_time, row.device_type


def alike_row(activity_id: str, row: Row) -> Alike:
    return activity_id, row.contact.contact_id, row.created, row.device_type
