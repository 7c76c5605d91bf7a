"""Checks of what the vendor allows the account: its token, privilege, clock and quota."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from email_opens.account import Account
from email_opens.adapters.vendor.replies.refusals import Access, reason
from email_opens.adapters.vendor.replies.reply import Reply
from email_opens.errors import AccountBusy, AccountDisconnected
from email_opens.instants import iso
from email_opens_cli.deployed.checks.finding import (
    Deployment,
    Finding,
    good,
    unchecked,
    warning,
    wrong,
)
from email_opens_cli.deployed.ownership import other_owner, own_path
from email_opens_cli.deployed.planning import planned
from email_opens_cli.deployed.turns.leases import hold

SUMMARIES = "/v3/reports/summary_reports/email_campaign_summaries?limit=1"
MOST_SKEW = timedelta(seconds=60)
IDLE = timedelta(days=150)
"""The vendor expires a token that is not used for 180 days: this leaves a month."""
SCARCE = 0.95
"""The share of the requests of turns in a day from which the rest will soon be spent."""


def token(deployment: Deployment) -> Iterator[Finding]:
    tokens = deployment.product.credentials.load(deployment.account_id)
    now = deployment.product.clock.now()
    if tokens.access_token is None or tokens.expires_at is None:
        yield good("token", "stored; the next poll requests an access token")
    elif now - tokens.expires_at >= IDLE:
        days = (now - tokens.expires_at).days
        yield warning(
            "token",
            f"stored; it was not used for {days} days, and the vendor expires it after 180",
            "This check renews it. So that every search does, run "
            "`make deploy PARAMETERS=Discovery=ENABLED`; if you no longer need the account, run "
            f"`email-opens disconnect {deployment.account_id}`.",
        )
    elif tokens.expires_at <= now:
        yield good("token", f"stored; it expired {iso(tokens.expires_at)} and will be refreshed")
    else:
        yield good("token", f"stored; valid until {iso(tokens.expires_at)}")
    other = other_owner(deployment.product, tokens)
    if other is not None:
        yield warning(
            "credentials",
            f"the stack {other} uses the same ones; a refresh by one may disconnect both",
            f"Run {own_path(deployment.product)}, and then "
            f"`email-opens connect {deployment.account_id}`.",
        )


def vendor(deployment: Deployment) -> Iterator[Finding]:
    """Send the vendor one request under the lease, since that may refresh the token."""
    product, account_id = deployment.product, deployment.account_id
    try:
        product.credentials.load(account_id)
    except AccountDisconnected:
        # The lease would create an account even if its name was mistyped.
        connect = f"Run `email-opens connect {account_id}`."
        yield unchecked("vendor", "not checked without a token", connect)
        return
    try:
        with hold(
            product.leases,
            account_id,
            "doctor",
            wait=deployment.wait,
            on_wait=deployment.on_wait,
        ) as lease:
            api = product.connect(account_id, lease.budget)
            reply = api.reply(SUMMARIES, lease.before)
            refused = reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
            access = api.privileges(lease.before).access if refused else Access.ALLOWED
    except AccountBusy as error:
        yield unchecked("vendor", "not checked", str(error))
        return
    yield good("tracking table", "read and written")
    yield privilege(reply, access, account_id)
    yield skew(reply, product.clock.now())


def privilege(reply: Reply, access: Access, account_id: str) -> Finding:
    """Return whether the account may read reports."""
    connect = f"then run `email-opens connect {account_id}`."
    match access:
        case Access.ALLOWED if reply.status == HTTPStatus.OK:
            return good("privilege", "the vendor returns reports")
        case Access.FORBIDDEN:
            return wrong(
                "privilege",
                "the vendor forbids reading reports",
                "Give the account's user the privilege ui:campaign:metrics and the application "
                f"the scope campaign_data; {connect}",
            )
        case Access.UNAUTHORIZED:
            return wrong(
                "privilege",
                "the vendor refuses the access token",
                f"Run `email-opens poll`, which renews it; if that fails, {connect}",
            )
        case _:
            return wrong(
                "privilege",
                f"the vendor answered {reason(reply)}",
                "Run `email-opens doctor` again later; polls retry.",
            )


def skew(reply: Reply, now: datetime) -> Finding:
    """Compare this machine's clock with the date of a reply."""
    try:
        date = parsedate_to_datetime(reply.headers.get("Date", ""))
    except (ValueError, TypeError):
        return unchecked(
            "clock", "the vendor's reply has no date", "Compare it with a time server."
        )
    ahead = now - (date if date.tzinfo else date.replace(tzinfo=UTC))
    seconds = ahead.total_seconds()
    if abs(ahead) <= MOST_SKEW:
        return good("clock", f"{seconds:+.0f} s against the vendor's")
    return wrong(
        "clock",
        f"{seconds:+.0f} s against the vendor's",
        "Synchronise this machine's clock with a time server.",
    )


def quota(deployment: Deployment) -> Iterator[Finding]:
    now, settings = deployment.product.clock.now(), deployment.product.settings
    stored = deployment.product.tracking.account(deployment.account_id)
    account = stored or Account(account_id=deployment.account_id)
    budget = account.requests_to_spend(settings.requests_to_spend, now)
    spent, opens_at = account.requests_on(now), account.opens_at(now)
    what = f"{spent:,} of {budget:,} requests today"
    if budget < settings.requests_to_spend:
        what += ", because others use the same key"
    if opens_at:
        yield wrong(
            "quota",
            f"{what}; the vendor reports that the quota is spent",
            f"Polling continues at {iso(opens_at)}. Find out whether another program uses the key.",
        )
    elif spent >= budget * SCARCE:
        yield wrong(
            "quota",
            what,
            "Run `email-opens pause E-MAIL` for what matters least, or wait until 00:00 UTC.",
        )
    elif lacking := planned(account, deployment.product.tracking, settings, now).plan.shortfall:
        yield warning(
            "quota",
            f"{what}; {lacking:,} more are needed to poll each e-mail as often as it should be",
            "Opens are published later. Run `email-opens pause E-MAIL` for what matters least, or "
            "deploy with a higher RequestsPerDay if the key allows more.",
        )
    else:
        yield good("quota", what)
    rests_until = account.rests_at(now)
    if rests_until:
        yield wrong(
            "rest",
            f"no request is sent before {iso(rests_until.replace(microsecond=0))}",
            "The vendor asked for this pause or is unavailable; polling continues after it.",
        )
