"""Send an activity's opens again, under the same event ids, to one destination only."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from email_opens.allowance.lease import Lease
from email_opens.errors import InvalidInput, LinkExpired, PagingBroken
from email_opens.events import bucket, event_id, fingerprint
from email_opens.model import PAGE_ROWS, Activity, NewOpen, Page
from email_opens.polling.first_opens import recall
from email_opens.ports import Ledger, Report
from email_opens.published import PublishedWindow
from email_opens.walk import ended, new_opens
from email_opens_cli.arguments.options import (
    LONGEST_WAIT,
    Account,
    Email,
    Stack,
    To,
    Wait,
    Yes,
    check_since,
    checked,
    parse_account,
    parse_since,
    parse_wait,
)
from email_opens_cli.deployed.product import product
from email_opens_cli.deployed.turns.leases import work_in_leases
from email_opens_cli.emails.activities import choose_one
from email_opens_cli.terminal.complaints import FAILED, complain
from email_opens_cli.terminal.console import confirm, progress, say, warn
from email_opens_cli.terminal.words import count, named

if TYPE_CHECKING:
    from email_opens.bootstrap.product import EmailOpens
    from email_opens_cli.deployed.destinations import Destination

_BEGINNINGS = 3
"""How often a replay begins again from the head if links fail."""
_FIRST = "0"
"""Before the ledger's first hour."""


def replay(
    email: Email,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            "--from",
            metavar="INSTANT",
            help=(
                "Leave out opens before this: beginning, yesterday, 2h, 2026-03-02 (00:00 UTC), "
                "or 2026-03-02T14:07:00Z."
            ),
            callback=checked(check_since),
        ),
    ],
    to: To,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="INSTANT",
            help="Leave out opens from this instant on; by default now.",
            callback=checked(check_since),
        ),
    ] = None,
    account: Account = "default",
    stack: Stack = None,
    wait: Wait = LONGEST_WAIT,
    *,
    yes: Yes = False,
) -> None:
    """Send an e-mail's opens again, with the same event ids, to one queue or topic.

    The command reads the opens from the report, within the pace and the day's requests. It does
    not change the ledger or the watermark.
    """
    account_id, patience, wired = parse_account(account), parse_wait(wait), product(stack)
    now = wired.clock.now()
    begins = parse_since(since, now)
    ends = now if until is None else parse_since(until, now)
    if ends is None or (begins is not None and begins >= ends):
        raise InvalidInput("There is nothing between --since and --until.")
    found = choose_one(wired.tracking, account_id, email)
    from email_opens_cli.deployed.destinations import destination  # noqa: PLC0415 - boto3

    sent_to = destination(to, wired.settings.opens_topic_arn, wired.clock)
    known = published(wired.ledger, found, begins, ends)
    warn(f"The ledger has {count(known, 'open')} in these hours.")
    confirm(f"Send {'it' if known == 1 else 'them'} to {to}?", yes=yes)
    replayed = Replay(wired, found, begins, ends, sent_to)
    with progress("Replaying", known) as show_sent:
        replayed.on_sent = show_sent
        work_in_leases(wired.leases, account_id, "replay", replayed.work, wait=patience)
    say(
        f"Sent {count(replayed.sent, 'open')} of {named(found)} again with "
        f"{count(replayed.requests, 'request')}."
    )
    if sent_to.refused:
        why = "; ".join(sorted(set(sent_to.refused))[:3])
        refused = count(len(sent_to.refused), "open")
        complain(f"The destination refused {refused}: {why}.", FAILED)


def published(ledger: Ledger, activity: Activity, since: datetime | None, until: datetime) -> int:
    """Return how many opens the ledger has of these hours, whole hours counted."""
    found = ledger.fingerprints(
        activity.campaign_activity_id, _FIRST if since is None else bucket(since), bucket(until)
    )
    return sum(map(len, found.values()))


def opens_again(
    page: Page,
    since: datetime | None,
    until: datetime,
    ledger: Mapping[str, AbstractSet[bytes]],
) -> list[NewOpen]:
    """Return the opens of a page, oldest first, with all occurrences that were published.

    A twin that lies on another page cannot be counted here, but it is in the ledger.
    """
    opens = [new for new in new_opens(page, since, {}) if new.open.created_time < until]
    last = {
        (new.open.contact_id, new.open.created_time, new.open.device_type): new for new in opens
    }
    for new in last.values():
        fingerprints = ledger.get(bucket(new.open.created_time), ())
        occurrence = new.occurrence + 1
        while fingerprint(identity := event_id(new.open, occurrence)) in fingerprints:
            opens.append(replace(new, event_id=identity, occurrence=occurrence))
            occurrence += 1
    return sorted(opens, key=lambda new: new.open.created_time)


@dataclass(slots=True)
class Replay:
    """A replay under way."""

    wired: "EmailOpens"
    activity: Activity
    since: datetime | None
    until: datetime
    destination: "Destination"
    sent: int = 0
    requests: int = 0
    on_sent: Callable[[int], None] = lambda _: None
    _window: PublishedWindow = field(init=False)
    _sent_ids: set[bytes] = field(default_factory=set)
    _link: str | None = None
    _links: set[str] = field(default_factory=set)
    _beginnings: int = 0

    def __post_init__(self) -> None:
        self._window = PublishedWindow(self.wired.ledger, self.activity.campaign_activity_id)

    def work(self, lease: Lease) -> bool:
        """Send page by page while the lease lasts; return whether all is sent."""
        report = self.wired.report(self.activity.account_id, lease.budget)
        try:
            while self.wired.clock.now() < lease.before:
                page = self._page(report, lease)
                self._send(page)
                if ended(page, self.since):
                    return True
                self._go_on(page)
        except LinkExpired:
            self._begin_again()
        finally:
            self.requests += report.requests
        return False

    def _page(self, report: Report, lease: Lease) -> Page:
        return report.read(
            self.activity.campaign_activity_id,
            link=self._link,
            rows=PAGE_ROWS,
            before=lease.before,
        )

    def _send(self, page: Page) -> None:
        in_ledger = self._window.of(page, self.since)
        opens = [
            new
            for new in opens_again(page, self.since, self.until, in_ledger)
            if fingerprint(new.event_id) not in self._sent_ids
        ]
        if opens:
            decisions = self.wired.turns.decisions
            if decisions:
                opens = recall(decisions, self.activity.campaign_activity_id, opens)
            delivery = self.destination.send(self.activity, opens, self.wired.clock.now())
            self.sent += len(delivery.settled) - delivery.dead_lettered
            self._sent_ids.update(fingerprint(new.event_id) for new in delivery.settled)
            if delivery.failure:
                raise delivery.failure
        self._window.forget([page])
        self.on_sent(self.sent)

    def _go_on(self, page: Page) -> None:
        if page.astray or page.next_link is None or page.next_link in self._links:
            raise PagingBroken(page.astray or "A next link leads back to a page already read.")
        self._link = page.next_link
        self._links.add(page.next_link)

    def _begin_again(self) -> None:
        """Begin at the head once more; opens that were sent are not sent again."""
        self._beginnings += 1
        if self._beginnings > _BEGINNINGS:
            raise PagingBroken("The report's links keep failing; try again later.")
        self._link = None
        self._window = PublishedWindow(self.wired.ledger, self.activity.campaign_activity_id)
        self._links.clear()
