"""What is tracked and how far it has come, for people and as JSON."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from email_opens.account import Account as StoredAccount
from email_opens.errors import InvalidInput
from email_opens.events import bucket
from email_opens.instants import iso
from email_opens.model import Activity, State
from email_opens.ports import Ledger
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.columns import Column, fitting
from email_opens_cli.terminal.columns import table as table_of
from email_opens_cli.terminal.complaints import complaints
from email_opens_cli.terminal.console import (
    Renderable,
    TextConsole,
    console,
    redrawn,
    say,
    say_json,
)
from email_opens_cli.terminal.ending import Ending
from email_opens_cli.terminal.options import Account, Json, Stack, parse_account
from email_opens_cli.terminal.times import age

if TYPE_CHECKING:
    from email_opens.bootstrap import EmailOpens

HOURS = 24

_NOTHING = "-"
_BARS = "▁▂▃▄▅▆▇█"
_ID = 36
_SHORT_ID = 8
_WHOLE_IDS_FROM = 120
"""Columns of the terminal from which ids are shown whole."""
_COLUMNS = (
    Column("Activity", _SHORT_ID + 1, rank=0),
    Column("Campaign", 16, rank=8),
    Column("State", 8, rank=1),
    Column("Watermark", 20, rank=5),
    Column("Delay", 5, rank=3, right=True),
    Column("Gaps", 20, rank=7),
    Column("Published", 9, rank=2, right=True),
    Column("Reported", 8, rank=9, right=True),
    Column("Diff.", 6, rank=6, right=True),
    Column("Opens of 24 h", HOURS, rank=4),
    Column("Last error", 20, rank=10, folds=True),
)
_REDRAWN_EVERY_SECONDS = 2.0
_NAPS = 10
_AT_ONCE = 8
"""Activities whose hours are read from the ledger side by side."""


def status(
    account: Account = "default",
    stack: Stack = None,
    *,
    as_json: Json = False,
    redraw: Annotated[
        bool, typer.Option("--watch", help="Redraw the status until Ctrl-C.")
    ] = False,
) -> None:
    """Show what is tracked, and how far it has come."""
    with complaints():
        if redraw and as_json:
            raise InvalidInput("--watch is for people and --json for programs: use one of them.")
        account_id, wired, screen = parse_account(account), product(stack), console()
        if redraw:
            redraw_status(wired, account_id, screen)
            return
        current = read_status(wired, account_id)
        if as_json:
            say_json(status_json(current), indent=2)
            return
        if current.activities:
            screen.print(table(current, screen.width))
        else:
            say("Nothing is tracked. Track an e-mail with `email-opens track ACTIVITY_ID`.")
        say(account_line(current))


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status of an account."""

    account: StoredAccount
    activities: Sequence[Activity]
    """The latest send first."""
    by_hour: dict[str, list[int]]
    """By activity: the opens published of each of the last hours."""
    requests_per_day: int
    now: datetime


def read_status(wired: "EmailOpens", account_id: str) -> Status:
    """Read the status of an account."""
    now = wired.clock.now()
    activities = wired.tracking.activities(account_id)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        hours = list(threads.map(lambda each: opens_by_hour(wired.ledger, each, now), activities))
    return Status(
        account=wired.tracking.account(account_id) or StoredAccount(account_id=account_id),
        activities=sorted(
            activities, key=lambda activity: activity.sent_at or activity.tracked_at, reverse=True
        ),
        by_hour={
            activity.campaign_activity_id: counts
            for activity, counts in zip(activities, hours, strict=True)
        },
        requests_per_day=wired.settings.requests_per_day,
        now=now,
    )


def redraw_status(wired: "EmailOpens", account_id: str, screen: TextConsole) -> None:
    """Redraw the status every other second, until Ctrl-C.

    Raises:
        InvalidInput: stdout is not a terminal.
    """
    if not screen.is_terminal:
        raise InvalidInput("--watch needs a terminal, and stdout is not one: leave it out.")
    with Ending() as ending, redrawn(screen) as redraw:
        while not ending.requested:
            current = read_status(wired, account_id)
            redraw(table(current, screen.width), account_line(current))
            for _ in range(_NAPS):
                if not ending.requested:
                    wired.clock.sleep(_REDRAWN_EVERY_SECONDS / _NAPS)
    raise typer.Exit(ending.exit_code)


def opens_by_hour(ledger: Ledger, activity: Activity, now: datetime) -> list[int]:
    """Return the published opens of each of the last hours, the current hour last."""
    hours = [bucket(now - timedelta(hours=ago)) for ago in reversed(range(HOURS))]
    if activity.progress.watermark is None or bucket(activity.progress.watermark) < hours[0]:
        return [0] * HOURS
    found = ledger.fingerprints(activity.campaign_activity_id, hours[0], hours[-1])
    return [len(found.get(hour, ())) for hour in hours]


def sparkline(counts: Iterable[int]) -> str:
    """Draw counts as bars relative to the highest; zero is a blank."""
    counts = list(counts)
    highest = max(counts, default=0)
    return "".join(
        _BARS[(len(_BARS) - 1) * count // highest] if count else " " for count in counts
    ).rstrip()


def table(status: Status, width: int) -> Renderable:
    """Return the activities as a table of at most this width."""
    whole = width >= _WHOLE_IDS_FROM
    columns = fitting(
        [
            column._replace(width=_ID) if whole and column.name == "Activity" else column
            for column in _COLUMNS
        ],
        width,
    )
    rows = [_cells(activity, status) for activity in status.activities]
    if not whole:
        rows = [row | {"Activity": f"{row['Activity'][:_SHORT_ID]}…"} for row in rows]
    return table_of(columns, rows)


def account_line(status: Status) -> str:
    """Return a line about the account's requests and its last error."""
    account, opens_at = status.account, status.account.opens_at(status.now)
    line = (
        f"Account {account.account_id}: "
        f"{account.requests_on(status.now)} of {status.requests_per_day} requests today"
    )
    if opens_at:
        line += f"; the quota is closed until {iso(opens_at)}"
    rests_until = account.rests_at(status.now)
    if rests_until:
        line += f"; it rests until {iso(rests_until.replace(microsecond=0))}"
    if account.last_error:
        line += f"; {account.last_error}"
    return line if line.endswith(".") else f"{line}."


def status_json(status: Status) -> dict[str, Any]:
    """Return the status as JSON values; instants are in ISO 8601."""
    account = status.account
    return {
        "account_id": account.account_id,
        "account": {
            "account_id": account.account_id,
            "requests_today": account.requests_on(status.now),
            "requests_per_day": status.requests_per_day,
            "closed_until": _plain(account.opens_at(status.now)),
            "rests_until": _plain(account.rests_at(status.now)),
            "last_error": account.last_error,
            "turn_completed_at": _plain(account.turn_completed_at),
            "search_completed_at": _plain(account.search_completed_at),
        },
        "activities": [
            _plain(_flat(asdict(activity)))
            | {
                "delay_seconds": _delay_seconds(activity, status.now),
                "difference": difference(activity),
                "opens_by_hour": status.by_hour[activity.campaign_activity_id],
            }
            for activity in status.activities
        ],
    }


def _flat(activity: dict[str, Any]) -> dict[str, Any]:
    """Return an activity's values with those of its groups beside the others."""
    groups = [activity.pop(name) for name in ("progress", "counts", "profile")]
    return activity | {name: value for group in groups for name, value in group.items()}


def difference(activity: Activity) -> int | None:
    """Return the rows published or set aside, less those that the last audit counted.

    Below zero, some are missing. Above zero, some came after the audit or were published twice.
    """
    if activity.counts.reported is None:
        return None
    return activity.counts.published + activity.counts.rejected - activity.counts.reported


def _cells(activity: Activity, status: Status) -> dict[str, str]:
    progress, counts = activity.progress, activity.counts
    seconds, differs = _delay_seconds(activity, status.now), difference(activity)
    return {
        "Activity": activity.campaign_activity_id,
        "Campaign": activity.campaign_name or _NOTHING,
        "State": str(activity.state),
        "Watermark": _NOTHING if progress.watermark is None else iso(progress.watermark),
        "Delay": _NOTHING if seconds is None else age(seconds),
        "Gaps": _gaps(activity),
        "Published": str(counts.published),
        "Reported": _NOTHING if counts.reported is None else str(counts.reported),
        "Diff.": _NOTHING if differs is None else f"{differs:+d}" if differs else "0",
        "Opens of 24 h": sparkline(status.by_hour[activity.campaign_activity_id]) or _NOTHING,
        "Last error": activity.last_error or _NOTHING,
    }


def _gaps(activity: Activity) -> str:
    """Return the number of gaps, and the rows that the deepest walk has read."""
    if not activity.progress.gaps:
        return "0"
    deepest = max(gap.rows_above for gap in activity.progress.gaps)
    of = f" of {activity.counts.reported}" if activity.counts.reported else ""
    return f"{len(activity.progress.gaps)}, {deepest}{of} rows"


def _delay_seconds(activity: Activity, now: datetime) -> float | None:
    """Return the seconds since the last poll: an open may have waited for that long."""
    if activity.state is not State.ACTIVE or activity.progress.polled_at is None:
        return None
    return max(0.0, (now - activity.progress.polled_at).total_seconds())


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return iso(value)
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value
