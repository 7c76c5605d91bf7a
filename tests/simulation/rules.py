"""The rules that always hold, checked at every step of a simulation.

The numbers are those of the promises in docs/guarantees.md. What they demand while something stays
wrong is in `watch`.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from constant_contact_emulator import Raw, Row
from email_opens.account import WakeUp
from email_opens.adapters.records.accounts import account_from, account_record
from email_opens.adapters.records.activities import activity_from, activity_record
from email_opens.errors import AccountDisconnected, EmailOpensError
from email_opens.events import REJECTED, bucket, event_id, fingerprint, row_fingerprint
from email_opens.model import Activity, NewOpen, Open, Page, RejectedRow, State
from email_opens.polling.poller import PAGES_IN_HAND
from email_opens.turns.report import TurnReport
from tests.simulation.invocation import Invocation, Killed
from tests.simulation.ports import TableThrottled

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

type RowKey = tuple[str, str, datetime, str | None]

SECRETS = ("@", "Bearer ", "access-", "refresh-")
"""What no message may contain: addresses, and the prefixes of the emulated vendor's tokens."""

PRIVILEGES = "/v3/account/user/privileges"

MOST_WAKE_UPS = 12

PACE = timedelta(seconds=0.25)
"""The time between two requests of a turn."""

MOST_BYTES = 1000
"""The length of a field that every decoder must be able to read."""


class RuleBroken(AssertionError):
    """A rule does not hold; the message names it."""


class Rules:
    """The history so far, as far as the rules need it."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self.faults = 0
        self.rows: Counter[RowKey] = Counter()
        self.most: Counter[RowKey] = Counter()
        """The most identical rows that the report ever had at once."""
        self.delivered: Counter[str] = Counter()
        """The event ids in the topic or the dead-letter queue, with their number of copies."""
        self.withdrawn = 0
        """Rows that were withdrawn: others may have slipped past a walk."""
        self.repeats = 0
        self.news: Counter[str] = Counter()
        """How many events of each activity were new."""
        self.least_requests = 0
        self._ids: dict[str, tuple[RowKey, int]] = {}
        self._firsts: dict[str, bool] = {}
        """Whether an event was published as a first open."""
        self._first_of: dict[tuple[str, str], str] = {}
        """The event that was published as the first of an activity and contact."""
        self._fingerprints: set[bytes] = set()
        self._dead_lettered: set[tuple[str, bytes]] = set()
        self.requests: Counter[str] = Counter()
        """Requests of each UTC day, by the clock of the invocation that sent them."""
        self.broken: RuleBroken | None = None
        self._quiet_until: dict[str, datetime] = {}
        """When the vendor wants the next request, by what it is about; of all: ""."""
        self.wake_ups = 0
        """Turns that were woken."""
        self._woken = 0
        """Those since the schedule, or a person, started one."""
        self._awaited: str | None = None
        """The token of the only wake-up that may start a turn."""
        self._began_at: dict[Invocation, datetime] = {}
        """When an invocation has begun its last request."""
        self._read: defaultdict[tuple[Invocation, str], list[Open]] = defaultdict(list)

    def require(self, holds: object, rule: str) -> None:
        """Raise if a rule does not hold; if the core swallows the error, `still_hold` raises it."""
        if not holds:
            self.broken = self.broken or RuleBroken(rule)
            raise self.broken

    def still_hold(self) -> None:
        """Raise the error of a rule that was broken within an invocation."""
        if self.broken:
            raise self.broken

    # --- What happens ---

    def a_fault_happened(self) -> None:
        self.faults += 1
        self._quiet_until.clear()

    def a_reply_was_received(
        self, now: datetime, target: str, status: int, seconds: float | None
    ) -> None:
        """Note the wait for which a reply has asked; a fault may forget it.

        A 429 is about the account. Anything else is about what was asked for, and stands only
        while nothing at all is answered.
        """
        throttled = status == HTTPStatus.TOO_MANY_REQUESTS
        if target == PRIVILEGES and not throttled:
            return  # They are requested once a turn at most, whatever was answered before.
        if status == HTTPStatus.OK:
            self._quiet_until = {about: at for about, at in self._quiet_until.items() if not about}
        if seconds is not None and (throttled or self._simulation.trouble.nothing_is_read):
            about = "" if throttled else _subject(target)
            until = now + timedelta(seconds=seconds)
            self._quiet_until[about] = max(until, self._quiet_until.get(about, until))

    def a_request_began(self, invocation: Invocation) -> None:
        now = self._simulation.clock()
        before = self._began_at.get(invocation, now - PACE)
        self.require(now - before >= PACE, "6: a request was sent faster than the pace")
        self._began_at[invocation] = now

    def a_request_was_sent(self, now: datetime, target: str) -> None:
        # A wait is over by the clock of the invocation, which may be fast, or in truth.
        latest = max(now, self._simulation.clock())
        self.require(
            all(latest >= self._quiet_until.get(about, now) for about in ("", _subject(target))),
            "6: a request was sent before the instant for which the vendor had asked",
        )
        day = now.date().isoformat()
        self.requests[day] += 1
        self.require(
            self.requests[day] <= self._simulation.requests_per_day,
            "6: the requests exceed the day's budget",
        )

    def an_account_was_leased(self, woken_by: str | None) -> None:
        if woken_by is None:
            self._woken = 0
        else:
            self.require(woken_by == self._awaited, "8: a wake-up that is stale started a turn")
            self.wake_ups += 1
            self._woken += 1
            self.require(self._woken <= MOST_WAKE_UPS, "8: more than twelve turns were woken")
        self._awaited = None

    def an_account_was_released(self, wake_up: WakeUp | None) -> None:
        self._awaited = wake_up.token if wake_up else None

    def a_row_appeared(self, row: RowKey) -> None:
        self.rows[row] += 1
        self.most[row] = max(self.most[row], self.rows[row])

    def a_row_was_withdrawn(self, row: RowKey) -> None:
        self.rows[row] -= 1
        self.withdrawn += 1

    def a_page_was_read(self, invocation: Invocation, page: Page) -> None:
        for row in page.opens:
            self._read[invocation, row.campaign_activity_id].append(row)

    def opens_were_delivered(self, opens: Sequence[NewOpen]) -> None:
        for new in opens:
            row = row_key(new.open)
            self.require(
                new.occurrence <= self.most[row],
                "2: an open was published that is not a row of the report",
            )
            self.require(
                new.event_id == event_id(new.open, new.occurrence)
                and self._ids.setdefault(new.event_id, (row, new.occurrence))
                == (row, new.occurrence),
                "3: an open was published under another id",
            )
            self.require(
                new.first_open is not None
                and self._firsts.setdefault(new.event_id, new.first_open) == new.first_open,
                "3: an open was published again with another answer to whether it is the first",
            )
            contact = row[0], row[1]
            self.require(
                not new.first_open
                or self._first_of.setdefault(contact, new.event_id) == new.event_id,
                "3: two opens of a contact were published as the first",
            )
            self.repeats += new.event_id in self.delivered
            self.news[row[0]] += new.event_id not in self.delivered
            self.delivered[new.event_id] += 1
            self._fingerprints.add(fingerprint(new.event_id))
        in_hand = PAGES_IN_HAND * self._simulation.setting.page_rows
        self.require(
            self.faults or not self.repeats, "4: an open was published twice without a fault"
        )
        self.require(
            self.repeats <= self.faults * in_hand, "4: a fault repeats more than the pages in hand"
        )

    def rows_were_dead_lettered(self, activity_id: str, rows: Iterable[RejectedRow]) -> None:
        for row in rows:
            mark = row_fingerprint(row.identity)
            self.require(
                "another activity" not in row.reason,
                "2: a link of another activity was followed",
            )
            self.require(
                self.faults or (activity_id, mark) not in self._dead_lettered,
                "4: a row was dead-lettered twice without a fault",
            )
            self._dead_lettered.add((activity_id, mark))

    def the_ledger_was_extended(
        self, activity_id: str, entries: Mapping[str, Collection[bytes]]
    ) -> None:
        for name, marks in entries.items():
            self.require(
                all(
                    (activity_id, mark) in self._dead_lettered
                    if name == REJECTED
                    else mark in self._fingerprints
                    for mark in marks
                ),
                "1: an open was recorded that was never delivered",
            )

    def an_activity_was_added(self, activity: Activity) -> None:
        found = self._simulation.vendor.world.activities.get(activity.campaign_activity_id)
        self.require(
            found is not None and found.role != "permalink",
            "2: an activity was tracked that is not a send",
        )

    def an_activity_was_saved(
        self, invocation: Invocation, before: Activity, saved: Activity
    ) -> None:
        old, new = before.progress.watermark, saved.progress.watermark
        self.require(old is None or (new is not None and new >= old), "5: the watermark moved back")
        stored = activity_from(activity_record(saved))
        self.require(
            stored.state is not State.BROKEN,
            f"1: a saved activity cannot be read again: {stored.last_error}",
        )
        self.require(
            before.state is not State.PAUSED or saved.state is State.PAUSED,
            "8: a turn undid a person's pause",
        )
        read = self._read.pop((invocation, saved.campaign_activity_id), [])
        if new is None or new == old:
            return
        for row in read:
            above = old is None or row.created_time > old
            if above and self.is_passed(saved, row.created_time):
                mark = fingerprint(event_id(row, 1))
                self.require(
                    mark in self._fingerprints, "1: a row was passed that was never delivered"
                )
                recorded = self._simulation.ledger.entries.get(saved.campaign_activity_id, {})
                self.require(
                    mark in recorded.get(bucket(row.created_time), ()),
                    "1: a row was passed that was never recorded",
                )

    def an_invocation_ended(self, invocation: Invocation) -> None:
        self._began_at.pop(invocation, None)
        for key in [key for key in self._read if key[0] is invocation]:
            del self._read[key]
        texts = [
            activity.last_error for activity in self._simulation.tracking.activities("default")
        ]
        self.require(
            self._simulation.tracking.accounts.keys() <= {"default"},
            "8: a wake-up created an account",
        )
        account = self._simulation.tracking.account("default")
        if account is not None:
            account_from("default", account_record(account))
        texts.append(account.last_error if account else None)
        if isinstance(invocation.result, TurnReport):
            turn = invocation.result
            pages = -(-turn.counts.published // self._simulation.setting.page_rows)
            self.least_requests += turn.activities + pages
            errors = [failure.error for failure in turn.failures]
            errors += [failure.error for failure in turn.found.failures] if turn.found else []
            errors += [turn.unsearched] if turn.unsearched else []
            texts += [str(error) for error in errors if isinstance(error, EmailOpensError)]
            texts.append(str(turn.stopped))
            self.require(
                not isinstance(turn.stopped, AccountDisconnected) or self._may_stop(invocation),
                f"7: an activity's refusal stopped the account: {turn.stopped}",
            )
            # The simulation raises the faults of ports; any other error is a bug of the core.
            bugs = [
                error
                for error in errors
                if not isinstance(error, (EmailOpensError, TableThrottled))
            ]
            self.require(
                not bugs,
                f"7: an activity failed with {bugs!r}",
            )
        elif invocation.error and not isinstance(invocation.error, Killed):
            self.require(
                isinstance(invocation.error, TableThrottled),
                f"7: an invocation failed with {invocation.error!r}",
            )
        for text in texts:
            self.require(
                not any(secret in (text or "") for secret in SECRETS),
                "9: a message contains an address or a token",
            )

    def _may_stop(self, invocation: Invocation) -> bool:
        """Return whether the vendor has said during an invocation that the account must stop."""
        return not self._simulation.trouble.about_one_activity or any(
            sent.status != HTTPStatus.OK
            and ("/user/privileges" in sent.path or "/token" in sent.path)
            for sent in self._simulation.vendor.requests[invocation.first_request :]
        )

    # --- At rest ---

    def every_send_was_found(self) -> None:
        simulation = self._simulation
        self.require(
            not simulation.setting.searching or simulation.tracked_ids == simulation.activity_ids,
            "1: a send was never found",
        )

    def everything_was_delivered(self, activity_id: str, rows: Sequence[Row]) -> None:
        """Check that each visible row was delivered; each twin too if the report is one page."""
        activity = self._simulation.tracking.items["default", activity_id]
        visible = Counter(
            vendor_row_key(activity_id, row)
            for row in rows
            if self.must_be_delivered(activity, row)
        )
        one_page = len(rows) < self._simulation.setting.page_rows
        for row, times in visible.items():
            for occurrence in range(1, (times if one_page else 1) + 1):
                expected = Open(*row, email_address="")
                self.require(
                    self.delivered[event_id(expected, occurrence)],
                    "1: a visible row was never delivered",
                )

    @staticmethod
    def must_be_delivered(activity: Activity, row: Row) -> bool:
        """Return whether a visible row is an open that must be published at some time."""
        start = activity.tracked_from
        return row.raw is None and not heavy(row) and (start is None or row.created >= start)

    @staticmethod
    def is_passed(activity: Activity, created: datetime) -> bool:
        """Return whether an instant lies below the watermark and in no gap."""
        start, watermark = activity.tracked_from, activity.progress.watermark
        if watermark is None or created > watermark or (start is not None and created < start):
            return False
        return not any(
            (gap.floor is None or created >= gap.floor)
            and (gap.ceiling is None or created <= gap.ceiling)
            for gap in activity.progress.gaps
        )


def _subject(target: str) -> str:
    """Return what a request is about: a report, the counters."""
    return "/".join(target.partition("?")[0].split("/")[:5])


def heavy(row: Row) -> bool:
    """Return whether a row has a field that no decoder must be able to read."""
    return any(
        isinstance(value, Raw) and len(value.content) > MOST_BYTES for value in row.extra.values()
    )


def row_key(row: Open) -> RowKey:
    return row.campaign_activity_id, row.contact_id, row.created_time, row.device_type


def vendor_row_key(activity_id: str, row: Row) -> RowKey:
    return activity_id, row.contact.contact_id, row.created, row.device_type
