"""An account's credentials: as a person hands them over, and how they come to be stored."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

from email_opens.errors import AccountDisconnected, AccountStopped, InvalidInput
from email_opens.model import Tokens

if TYPE_CHECKING:
    import requests

    from email_opens.bootstrap import EmailOpens

HOLD = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=2)
"""For the turn in hand to end: twice what a turn may take."""

_LOOK_SECONDS = 2.0
_MOST_BYTES = 1_048_576
_CHECKED = "/v3/reports/summary_reports/email_campaign_summaries?limit=1"
_EXPECTED = (
    'expected {"client_id": "…", "refresh_token": "…"}, and "client_secret" where the app has one.'
)


def read(text: str | bytes) -> Tokens:
    """Read credentials from JSON; like all that OAuth sends, they are ASCII.

    Raises:
        InvalidInput: it is not that; the message holds nothing of it.
    """
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(f"The credentials are no JSON: {_EXPECTED}") from None
    known = {"client_id", "client_secret", "refresh_token"}
    if not isinstance(held, dict) or not all(
        isinstance(held.get(name), str) and held[name] and held[name].isascii()
        for name in known & held.keys()
    ):
        raise InvalidInput(f"The credentials are malformed: {_EXPECTED}")
    missing = sorted({"client_id", "refresh_token"} - held.keys())
    if missing:
        raise InvalidInput(f"The credentials lack {' and '.join(missing)}: {_EXPECTED}")
    return Tokens(
        client_id=held["client_id"],
        client_secret=held.get("client_secret"),
        refresh_token=held["refresh_token"],
    )


@dataclass(slots=True)
class Hold:
    """What is left of an account that a command holds, and what its item will say afterwards."""

    requests_left: int
    last_error: str | None
    closed_until: datetime | None


@contextmanager
def held(product: "EmailOpens", account_id: str) -> Iterator[Hold]:
    """Hold an account while its credentials change; an unknown one is made.

    A turn in hand would store the successor of its own refresh token over them.

    Raises:
        AccountStopped: another holds it, and does not let go.
    """
    clock, budget = product.clock, product.settings.requests_per_day
    holder = f"email-opens connect {uuid4()}"
    gives_up_at = clock.now() + LONGEST_WAIT
    while True:
        now = clock.now()
        account = product.tracking.lease(
            account_id, holder=holder, now=now, until=now + HOLD, reserve=1, budget=budget
        )
        if account is not None:
            break
        if now >= gives_up_at:
            raise AccountStopped(
                f"Another invocation works on account {account_id} and does not end; nothing was "
                "changed. Try again in a minute."
            )
        clock.sleep(_LOOK_SECONDS)
    reserved = max(0, min(1, budget - account.requests_spent))
    hold = Hold(reserved, account.last_error, account.closed_until)
    try:
        yield hold
    finally:
        product.tracking.release(
            account_id,
            holder=holder,
            day=now.date().isoformat(),
            unused=hold.requests_left,
            closed_until=hold.closed_until,
            last_error=hold.last_error,
        )


def connect(
    product: "EmailOpens", account_id: str, tokens: Tokens, session: "requests.Session"
) -> str | None:
    """Store new credentials once the vendor has shown a report for them.

    Returns why that could not be tried, as a sentence; None: it was.

    Raises:
        AccountDisconnected: the vendor forbids the reports; nothing was stored.
    """
    with held(product, account_id) as hold:
        untried = None
        if tokens.access_token is not None:
            untried = _check(product, hold, tokens.access_token, session)
        product.credentials.store(account_id, tokens)
        hold.last_error = None
    return untried


def _check(
    product: "EmailOpens", hold: Hold, access_token: str, session: "requests.Session"
) -> str | None:
    # Late, or `--help` would wait for the HTTP library.
    from email_opens.adapters.vendor.http import Unanswered, exchange  # noqa: PLC0415

    if not hold.requests_left:
        return "Whether it may read reports was not tried: the day's budget is spent."
    hold.requests_left = 0
    now = product.clock.now()
    try:
        reply = exchange(
            session,
            "GET",
            product.settings.constant_contact_api_url + _CHECKED,
            headers={"Authorization": f"Bearer {access_token}"},
            clock=product.clock,
            before=now + HOLD / 2,
            most_bytes=_MOST_BYTES,
        )
    except Unanswered as error:
        return f"Whether it may read reports is not known: of Constant Contact, {error}."
    match reply.status:
        case HTTPStatus.OK:
            hold.closed_until = None
            return None
        case HTTPStatus.FORBIDDEN:
            raise AccountDisconnected(
                "Constant Contact forbids reading reports: the user who consents needs the "
                "privilege ui:campaign:metrics (a Campaign Creator has it not), and the "
                "application the scope campaign_data; nothing was stored. Run the command again "
                f"as another user{reply.traces()}."
            )
        case HTTPStatus.UNAUTHORIZED:
            raise AccountDisconnected(
                "Constant Contact refuses the access token that it has just given; nothing was "
                f"stored. Run the command again{reply.traces()}."
            )
        case _:
            key = reply.error_key("error_key")
            return (
                f"Whether it may read reports is not known: Constant Contact answered "
                f"{reply.status}{f' {key}' if key else ''}{reply.traces()}."
            )
