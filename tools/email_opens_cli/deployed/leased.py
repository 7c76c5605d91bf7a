"""The account's lease in the hands of a command: nobody else spends its tokens or its requests.

Long work lets go again and again, so that the schedule's turns are taken in between.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from email_opens.errors import AccountStopped, EmailOpensError, OutOfTime, QuotaExceeded
from email_opens.instants import iso, next_day
from email_opens.ports import Report
from email_opens.turns.budget import Budget

if TYPE_CHECKING:
    from email_opens.adapters.vendor.http import Reply
    from email_opens.bootstrap import EmailOpens

HOLD = timedelta(seconds=60)
"""How long one lease lasts at most: a command that was killed is in nobody's way for longer."""
COMMIT = timedelta(seconds=30)
"""Kept at its end, to publish and record what is in hand."""
REST_SECONDS = 30.0
"""Between two leases: the schedule fires each minute."""
BUSY_SECONDS = 5.0
BUSY_TRIES = 60

_MOST_BYTES = 1024 * 1024


class Busy(EmailOpensError):
    """Another holds the lease: try again in a minute."""


@dataclass(slots=True)
class Lease:
    """What its holder may do until `before`."""

    product: "EmailOpens"
    account_id: str
    report: Report
    before: datetime
    left: int
    """How many requests it may spend."""
    asked: int = 0

    @property
    def requests(self) -> int:
        """How many requests were sent under it."""
        return self.report.requests + self.asked

    def ask(self, path: str) -> "Reply":
        """Send one GET to the vendor, with a new token where the old one has ended.

        Raises:
            AccountStopped: there is no token, or no answer.
            OutOfTime: no request is left.
        """
        if self.requests >= self.left:
            raise OutOfTime("No request of the day's budget is left.")
        import requests  # noqa: PLC0415 - late, or `--help` would wait for it

        from email_opens.adapters.vendor.http import Unanswered, exchange  # noqa: PLC0415
        from email_opens.adapters.vendor.oauth import TokenSource  # noqa: PLC0415

        settings, clock = self.product.settings, self.product.clock
        with requests.Session() as session:
            session.trust_env = False
            tokens = TokenSource(
                self.account_id,
                self.product.credentials,
                session,
                settings.constant_contact_auth_url,
                clock,
            )
            bearer = tokens.access_token(self.before)
            self.asked += 1
            try:
                return exchange(
                    session,
                    "GET",
                    settings.constant_contact_api_url + path,
                    headers={"Authorization": f"Bearer {bearer}"},
                    clock=clock,
                    before=self.before,
                    most_bytes=_MOST_BYTES,
                )
            except Unanswered as error:
                raise AccountStopped(f"The vendor does not answer: {error}.") from None


@contextmanager
def leased(product: "EmailOpens", account_id: str, purpose: str) -> Iterator[Lease]:
    """Hold the account's lease, with as many requests as the pace and the day have left.

    Raises:
        Busy: another holds it.
        QuotaExceeded: the vendor has closed the day.
        EmailOpensError: the day's budget is spent.
    """
    now, budget = product.clock.now(), product.settings.requests_per_day
    holder, until = f"email-opens {purpose} {uuid4()}", now + HOLD
    most = int(HOLD.total_seconds() * product.settings.requests_per_second) + 1
    account = product.tracking.lease(
        account_id, holder=holder, now=now, until=until, reserve=most, budget=budget
    )
    if account is None:
        raise Busy(f"Another invocation works on account {account_id}; try again in a minute.")
    left = max(0, min(most, budget - account.requests_spent))
    # What is reserved is reserved of today.
    before = min(until - COMMIT, next_day(now))
    lease = Lease(product, account_id, product.turns.report(account_id, Budget(left)), before, left)
    closed_until, last_error = account.closed_until, account.last_error
    try:
        if closed_until and closed_until > now:
            opens_at = iso(closed_until)
            raise QuotaExceeded(f"The day's quota is spent; it opens at {opens_at}.", closed_until)
        if not left:
            opens_at = iso(next_day(now))
            raise EmailOpensError(
                f"The day's {budget} requests are spent; the next day begins at {opens_at}."
            )
        yield lease
    except AccountStopped as error:
        closed_until = error.until if isinstance(error, QuotaExceeded) else closed_until
        last_error = str(error)
        raise
    finally:
        product.tracking.release(
            account_id,
            holder=holder,
            day=now.date().isoformat(),
            unused=left - lease.requests,
            closed_until=closed_until,
            last_error=last_error,
        )


def in_turns(
    product: "EmailOpens", account_id: str, purpose: str, work: Callable[[Lease], bool]
) -> None:
    """Work under one lease after another until `work` says that all is done.

    Raises:
        Busy: another holds the lease at the beginning, or for minutes later on.
        EmailOpensError: as `leased` and `work` raise.
    """
    tries_left = 0
    while True:
        try:
            with leased(product, account_id, purpose) as lease:
                done = _worked(work, lease)
        except Busy:
            if not tries_left:
                raise
            tries_left -= 1
            product.clock.sleep(BUSY_SECONDS)
            continue
        if done:
            return
        tries_left = BUSY_TRIES
        product.clock.sleep(REST_SECONDS)


def _worked(work: Callable[[Lease], bool], lease: Lease) -> bool:
    try:
        return work(lease)
    except OutOfTime:
        return False
