"""An account's credentials: read from JSON that a person provides, checked and stored."""

import json
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from email_opens.errors import (
    AccountDisconnected,
    AccountStopped,
    BudgetSpent,
    InvalidInput,
    OutOfTime,
    ReportUnavailable,
)
from email_opens.model import Tokens
from email_opens.turns.lease import Lease
from email_opens_cli.deployed.leases import hold

if TYPE_CHECKING:
    from email_opens.bootstrap import EmailOpens

_CHECKED = "/v3/reports/summary_reports/email_campaign_summaries?limit=1"
_EXPECTED = (
    'expected {"client_id": "…", "refresh_token": "…"}, and "client_secret" if the app has one.'
)


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


@dataclass(slots=True)
class _NewCredentials:
    """Credentials that are not stored yet."""

    tokens: Tokens

    def load(self, account_id: str) -> Tokens:
        del account_id
        return self.tokens

    def rewrite(self, account_id: str) -> Tokens:
        return self.load(account_id)

    def store(self, account_id: str, tokens: Tokens) -> None:
        del account_id
        self.tokens = tokens


def connect(
    product: "EmailOpens", account_id: str, tokens: Tokens, *, wait: timedelta
) -> str | None:
    """Store new credentials once the vendor has returned a report for them.

    A turn in hand would store the successor of its own refresh token over them, so the account's
    lease is held meanwhile. Returns why the credentials could not be checked, as a sentence;
    None: they were.

    Raises:
        AccountDisconnected: the vendor forbids the reports; nothing was stored.
        AccountBusy: another turn or command holds the lease for longer than `wait`.
    """
    refusal: AccountDisconnected | None = None
    unchecked: str | None = None
    new = _NewCredentials(tokens)
    with hold(product.leases, account_id, "connect", wait=wait) as lease:
        if tokens.access_token is not None:
            try:
                unchecked = _check(product, account_id, lease, new)
            except AccountDisconnected as error:
                refusal = error
        if refusal is None:
            product.credentials.store(account_id, new.tokens)
            lease.last_error = None
    if refusal is not None:
        # Raised outside the lease, since it is not about the credentials that are stored.
        raise refusal
    return unchecked


def _check(
    product: "EmailOpens", account_id: str, lease: Lease, new: _NewCredentials
) -> str | None:
    # The new credentials may belong to another key, whose quota is open.
    lease.budget.reopen()
    try:
        reply = product.connect(account_id, lease.budget, new).reply(_CHECKED, lease.before)
    except BudgetSpent:
        return "Whether it may read reports was not checked: the day's budget is spent."
    except AccountDisconnected:
        raise
    except (AccountStopped, OutOfTime, ReportUnavailable) as error:
        # The credentials are stored nevertheless: to consent again would cost more than to try.
        return f"Whether it may read reports is not known: {error}"
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
                f"Whether it may read reports is not known: Constant Contact answered "
                f"{reply.status}{f' {key}' if key else ''}{reply.traces()}."
            )
