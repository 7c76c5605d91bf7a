"""An account's credentials: read from JSON that a person provides, checked and stored."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from msgspec import Struct, field

from email_opens.account import Tokens
from email_opens.adapters.vendor.access.token_storage import store_until
from email_opens.allowance.lease import Lease
from email_opens.errors import (
    AccountDisconnected,
    AccountStopped,
    BudgetSpent,
    EmailOpensError,
    InvalidInput,
    LostRace,
    OutOfTime,
    ReportUnavailable,
)
from email_opens.ports import Clock, Credentials, Tracking
from email_opens.scheduling.lifecycle import revived
from email_opens_cli.deployed.turns.leases import hold

if TYPE_CHECKING:
    from email_opens.adapters.vendor.api import VendorApi
    from email_opens.adapters.vendor.replies.reply import Reply
    from email_opens.bootstrap.product import EmailOpens
    from email_opens.bootstrap.watch import Watch

STORING = timedelta(seconds=15)
"""For how long storing is tried again while the store refuses; a person is waiting."""

_CHECKED = "/v3/reports/summary_reports/email_campaign_summaries?limit=1"
_REPORTS = "email-opens could not check whether the account may read reports"
_UNKNOWN = f"{_REPORTS}, and which Constant Contact account it is"
FORM = '{"client_id": "…", "refresh_token": "…"}, and "client_secret" if the app has one'
_EXPECTED = f"expected {FORM}."


def read(text: str | bytes) -> Tokens:
    """Read credentials from JSON; their values are ASCII, as OAuth requires.

    Raises:
        InvalidInput: the text is not such JSON; the message holds nothing of it.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(f"The credentials are not JSON: {_EXPECTED}") from None
    names = {"client_id", "client_secret", "refresh_token"}
    if not isinstance(fields, dict) or not all(
        isinstance(fields.get(name), str) and fields[name] and fields[name].isascii()
        for name in names & fields.keys()
    ):
        raise InvalidInput(f"The credentials are malformed: {_EXPECTED}")
    missing = sorted({"client_id", "refresh_token"} - fields.keys())
    if missing:
        raise InvalidInput(f"The credentials lack {' and '.join(missing)}: {_EXPECTED}")
    return Tokens(
        client_id=fields["client_id"],
        client_secret=fields.get("client_secret"),
        refresh_token=fields["refresh_token"],
    )


class _NewCredentials(Struct):
    """Credentials that are not stored yet, to take the place of those in a store."""

    tokens: Tokens
    stored: Credentials

    def load(self, account_id: str) -> Tokens:
        del account_id
        return self.tokens

    def rewrite(self, account_id: str) -> Tokens:
        with suppress(AccountDisconnected):
            self.stored.rewrite(account_id)
        return self.tokens

    def store(self, account_id: str, tokens: Tokens) -> None:
        del account_id
        self.tokens = tokens


class Connected(Struct, kw_only=True):
    """What was found out while an account was connected."""

    unchecked: list[str] = field(default_factory=list)
    """What could not be checked, and why, in sentences."""
    revived: int = 0
    """The number of e-mails that the vendor did not know and that are due again."""


def connect(
    product: "EmailOpens",
    account_id: str,
    tokens: Tokens,
    *,
    wait: timedelta,
    another_account: bool = False,
) -> Connected:
    """Check new credentials with the vendor, and store them.

    A turn in hand would store the successor of its own refresh token over them, so the account's
    lease is held meanwhile.

    Raises:
        AccountDisconnected, InvalidInput: they are refused, as by `take_over`.
        AccountStopped: the store refuses them.
        AccountBusy: another turn or command holds the lease for longer than `wait`.
    """

    def store(checked: Tokens) -> None:
        until = product.clock.now() + STORING
        store_until(product.credentials, account_id, checked, product.clock, until)

    with hold(product.leases, account_id, "connect", wait=wait) as lease:
        taken = take_over(product, lease, tokens, store, another_account=another_account)
    return accepted(taken)


def take_over(
    product: "EmailOpens | Watch",
    lease: Lease,
    tokens: Tokens,
    store: Callable[[Tokens], None],
    *,
    another_account: bool,
) -> Connected | EmailOpensError:
    """Check new credentials with the vendor and store them, under the account's lease.

    Returns the refusal if the vendor forbids the reports, or if they are of another Constant
    Contact account than before and `another_account` is false; then nothing is stored. It is not
    raised, because the lease would record it as an error of the credentials that are stored.
    """
    connected, account = Connected(), lease.account
    new = _NewCredentials(tokens, product.credentials)
    # The new credentials may belong to another key, whose quota is open.
    lease.budget.reopen()
    api = product.connect(account.account_id, lease.budget, new)
    try:
        found = _check(api, product.clock, lease, connected)
        if found is not None and not another_account:
            _compare(found, account.vendor_account_id or _stored_account_id(product, lease))
    except (AccountDisconnected, InvalidInput) as error:
        if new.tokens.refresh_token == tokens.refresh_token:
            return error
        used = "The refresh token that you provided has been used: get another one first."
        return type(error)(f"{error} {used}")
    store(new.tokens)
    lease.last_error = None
    if found is not None and found != account.vendor_account_id:
        product.tracking.name_vendor_account(
            account.account_id, holder=lease.holder, vendor_account_id=found
        )
    connected.revived = _revive(product.tracking, account.account_id, product.clock.now())
    return connected


def accepted(taken: Connected | EmailOpensError) -> Connected:
    """Return what `take_over` has found out, or raise its refusal."""
    if isinstance(taken, EmailOpensError):
        raise taken
    return taken


def _check(api: "VendorApi", clock: Clock, lease: Lease, connected: Connected) -> str | None:
    """Read a report and the vendor's own id of the account; return the id, None if unknown.

    If neither can be read, the credentials are stored all the same: another consent would cost
    more than a failed attempt.

    Raises:
        AccountDisconnected: the vendor forbids the reports.
    """
    # Imported late, as below, or `--help` would load the HTTP library.
    from email_opens.adapters.vendor.account import vendor_account_id  # noqa: PLC0415

    found = unknown = reason = uncompared = None
    try:
        unknown = _privilege(api.reply(_CHECKED, lease.before), lease)
    except AccountDisconnected:
        raise
    except BudgetSpent:
        connected.unchecked.append(f"{_UNKNOWN}: the day's budget is spent.")
        return None
    except (AccountStopped, OutOfTime) as error:
        connected.unchecked.append(f"{_UNKNOWN}: {error}")
        return None
    except ReportUnavailable as error:
        unknown, reason = f"{_REPORTS}: {error}", str(error)
    try:
        found = vendor_account_id(api, clock, lease.before)
    except (AccountStopped, OutOfTime, ReportUnavailable) as error:
        if str(error) == reason:
            unknown = f"{_UNKNOWN}: {error}"
        else:
            uncompared = f"The Constant Contact account was not compared: {error}"
    connected.unchecked += filter(None, (unknown, uncompared))
    return found


def _stored_account_id(product: "EmailOpens | Watch", lease: Lease) -> str | None:
    """Return the vendor's own id of the account by the credentials that are stored; None: unknown.

    An account that an earlier version connected has credentials and no id.
    """
    from email_opens.adapters.vendor.account import vendor_account_id  # noqa: PLC0415

    api = product.connect(lease.account.account_id, lease.budget)
    with suppress(AccountStopped, OutOfTime, ReportUnavailable):
        return vendor_account_id(api, product.clock, lease.before)
    return None


def _compare(found: str, known: str | None) -> None:
    """Make sure that the account is the one that gave its consent before, as far as is known.

    Raises:
        InvalidInput: it is another one.
    """
    if known is not None and found != known:
        raise InvalidInput(
            f"This consent is for the Constant Contact account {found}, but the previous one was "
            f"for {known}; nothing was stored. Give consent as a user of the account {known}; or, "
            f"to poll {found} under this name from now on, add --another-account."
        )


def _revive(tracking: Tracking, account_id: str, now: datetime) -> int:
    """Make the e-mails that the vendor did not know due again; return how many."""
    count = 0
    for activity in tracking.activities(account_id):
        again = revived(activity, now)
        if again != activity:
            with suppress(LostRace):  # What another writer has stored stands.
                tracking.save(again)
                count += 1
    return count


def _privilege(reply: "Reply", lease: Lease) -> str | None:
    """Return why it is unknown whether reports may be read, as a sentence; None: they may.

    Raises:
        AccountDisconnected: they may not.
    """
    match reply.status:
        case HTTPStatus.OK:
            lease.closed_until = None
            return None
        case HTTPStatus.FORBIDDEN:
            raise AccountDisconnected(
                "Constant Contact forbids reading reports: the user who consents needs the "
                "privilege ui:campaign:metrics (a Campaign Creator does not have it), and the "
                "application the scope campaign_data; nothing was stored. Run the command again "
                f"as another user{reply.traces()}."
            )
        case HTTPStatus.UNAUTHORIZED:
            raise AccountDisconnected(
                "Constant Contact refuses the access token that it has just issued; nothing was "
                f"stored. Run the command again{reply.traces()}."
            )
        case _:
            key = reply.error_key("error_key")
            return (
                f"{_REPORTS}: Constant Contact answered "
                f"{reply.status}{f' {key}' if key else ''}{reply.traces()}."
            )
