"""Send an activity's opens again, under the same ids, to one destination only."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from email_opens.errors import InvalidInput, LinkExpired, PagingBroken
from email_opens.events import bucket, event_id, fingerprint
from email_opens.model import PAGE_ROWS, Activity, NewOpen, Page, account_id, activity_id
from email_opens.published import PublishedWindow
from email_opens.walk import ended, new_opens
from email_opens_cli.commands.activities import track as tracked
from email_opens_cli.commands.activities.pause import of_account
from email_opens_cli.deployed.leased import Lease, in_turns
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.complaints import FAILED, complain, complaints
from email_opens_cli.terminal.console import confirm, progress
from email_opens_cli.terminal.options import Account, Id, Stack, Yes

if TYPE_CHECKING:
    from collections.abc import Callable

    from email_opens.bootstrap import EmailOpens
    from email_opens_cli.deployed.destinations import Destination

_BEGINNINGS = 3
"""So often may links fail before it is given up."""
_FIRST = "0"
"""Before the ledger's first hour."""


def replay(
    activity: Id,
    since: Annotated[
        str, typer.Option("--since", metavar="INSTANT", help="The first open: beginning, or when.")
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="URL|ARN", help="A queue's URL or a topic's ARN.")
    ],
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="INSTANT", help="Only opens before it. [default: now]"),
    ] = None,
    account: Account = "default",
    stack: Stack = None,
    *,
    yes: Yes = False,
) -> None:
    """Send an e-mail's opens again, with the same event ids, to one queue or topic.

    They are read from the report, within the pace and the day's requests; ledger and watermark
    stay as they are.
    """
    with complaints():
        who, wanted = account_id(account), activity_id(activity)
        wired = product(stack)
        now = wired.clock.now()
        begins = tracked.start(since, now)
        ends = now if until is None else tracked.start(until, now)
        if ends is None or (begins is not None and begins >= ends):
            raise InvalidInput("There is nothing between --since and --until.")
        (found,) = of_account(wired.tracking, who, [wanted])
        from email_opens_cli.deployed.destinations import destination  # noqa: PLC0415 - boto3

        sent_to = destination(to, wired.settings.opens_topic_arn, wired.clock)
        count = published(wired, found, begins, ends)
        typer.echo(f"The ledger knows {count} opens of these hours.", err=True)
        confirm(f"Send them to {to}?", yes=yes)
        again = Again(wired, found, begins, ends, sent_to)
        with progress("Replaying", count) as come:
            again.on_sent = come
            in_turns(wired, who, "replay", again.work)
        print(f"Sent {again.sent} opens of {wanted} again with {again.requests} requests.")
        if sent_to.refused:
            why = "; ".join(sorted(set(sent_to.refused))[:3])
            complain(f"The destination refused {len(sent_to.refused)} opens: {why}.", FAILED)


def published(
    wired: "EmailOpens", activity: Activity, since: datetime | None, until: datetime
) -> int:
    """Count the opens that the ledger knows in these hours, whole ones."""
    found = wired.turns.ledger.fingerprints(
        activity.campaign_activity_id, _FIRST if since is None else bucket(since), bucket(until)
    )
    return sum(len(known) for known in found.values())


def again_of(
    page: Page,
    since: datetime | None,
    until: datetime,
    ledger: Mapping[str, AbstractSet[bytes]],
) -> list[NewOpen]:
    """Return the opens of a page, oldest first, with all occurrences that were published.

    A twin that lies on another page cannot be counted here, but the ledger knows it.
    """
    opens = [new for new in new_opens(page, since, {}) if new.open.created_time < until]
    last = {
        (new.open.contact_id, new.open.created_time, new.open.device_type): new for new in opens
    }
    for new in last.values():
        known = ledger.get(bucket(new.open.created_time), ())
        occurrence = new.occurrence + 1
        while fingerprint(identity := event_id(new.open, occurrence)) in known:
            opens.append(replace(new, event_id=identity, occurrence=occurrence))
            occurrence += 1
    return sorted(opens, key=lambda new: new.open.created_time)


@dataclass(slots=True)
class Again:
    """A replay under way."""

    wired: "EmailOpens"
    activity: Activity
    since: datetime | None
    until: datetime
    to: "Destination"
    sent: int = 0
    requests: int = 0
    on_sent: "Callable[[int], None]" = lambda _: None
    _known: PublishedWindow | None = None
    _sent_ids: set[bytes] = field(default_factory=set)
    _link: str | None = None
    _links: set[str] = field(default_factory=set)
    _beginnings: int = 0

    def work(self, lease: Lease) -> bool:
        """Send page by page while the lease lasts; say whether all is sent."""
        try:
            while self.wired.clock.now() < lease.before:
                page = lease.report.read(
                    self.activity.campaign_activity_id,
                    link=self._link,
                    rows=PAGE_ROWS,
                    before=lease.before,
                )
                self._send(page)
                if ended(page, self.since):
                    return True
                self._go_on(page)
        except LinkExpired:
            self._begin_again()
        finally:
            self.requests += lease.requests
        return False

    def _send(self, page: Page) -> None:
        known = self._known = self._known or PublishedWindow(
            self.wired.turns.ledger, self.activity.campaign_activity_id
        )
        published = known.of(page, self.since)
        opens = [
            new
            for new in again_of(page, self.since, self.until, published)
            if fingerprint(new.event_id) not in self._sent_ids
        ]
        if opens:
            self.sent += self.to.send(self.activity, opens, self.wired.clock.now())
            self._sent_ids.update(fingerprint(new.event_id) for new in opens)
        known.forget([page])
        self.on_sent(self.sent)

    def _go_on(self, page: Page) -> None:
        if page.astray or page.next_link is None or page.next_link in self._links:
            raise PagingBroken(page.astray or "A next link leads back to a page already read.")
        self._link = page.next_link
        self._links.add(page.next_link)

    def _begin_again(self) -> None:
        """Begin at the head once more; what was sent is not sent again."""
        self._beginnings += 1
        if self._beginnings > _BEGINNINGS:
            raise PagingBroken("The report's links go on failing; try again later.")
        self._link, self._known = None, None
        self._links.clear()
