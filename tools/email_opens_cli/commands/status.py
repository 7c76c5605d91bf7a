"""What is tracked and how far it has come, for people and for machines."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from email_opens.errors import InvalidInput
from email_opens.events import bucket
from email_opens.instants import iso
from email_opens.model import Account, Activity, State
from email_opens.ports import Ledger
from email_opens_cli.terminal.columns import Column, fitting
from email_opens_cli.terminal.columns import table as table_of
from email_opens_cli.terminal.ending import Ending

if TYPE_CHECKING:
    from email_opens.bootstrap import EmailOpens

HOURS = 24

_NOTHING = "-"
_BARS = "▁▂▃▄▅▆▇█"
_ID = 36
_SHORT_ID = 8
_WHOLE_IDS_FROM = 120
"""Columns of a terminal that has room for whole ids."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """An account as it is now."""

    account: Account
    activities: Sequence[Activity]
    """The latest send first."""
    by_hour: dict[str, list[int]]
    """Opens published of each of the last hours, by activity."""
    requests_per_day: int
    now: datetime


def look(wired: "EmailOpens", account_id: str) -> Status:
    """Read how an account is now."""
    now = wired.clock.now()
    activities = wired.tracking.activities(account_id)
    ledger = wired.turns.ledger
    return Status(
        account=wired.tracking.account(account_id) or Account(account_id=account_id),
        activities=sorted(activities, key=lambda one: one.sent_at or one.tracked_at, reverse=True),
        by_hour={one.campaign_activity_id: opens_by_hour(ledger, one, now) for one in activities},
        requests_per_day=wired.settings.requests_per_day,
        now=now,
    )


def watch(wired: "EmailOpens", account_id: str, console: Console) -> None:
    """Show it anew every other second, until Ctrl-C.

    Raises:
        InvalidInput: there is no terminal.
    """
    if not console.is_terminal:
        raise InvalidInput("--watch redraws a terminal, and this is none: leave it out.")
    with Ending() as ending, Live(console=console, auto_refresh=False) as live:
        while not ending.wished:
            now = look(wired, account_id)
            live.update(Group(table(now, console.width), account_line(now)), refresh=True)
            for _ in range(_NAPS):
                if not ending.wished:
                    wired.clock.sleep(_REDRAWN_EVERY_SECONDS / _NAPS)


def opens_by_hour(ledger: Ledger, activity: Activity, now: datetime) -> list[int]:
    """Count what was published of each of the last hours, this one last."""
    hours = [bucket(now - timedelta(hours=ago)) for ago in reversed(range(HOURS))]
    if activity.progress.watermark is None or bucket(activity.progress.watermark) < hours[0]:
        return [0] * HOURS
    found = ledger.fingerprints(activity.campaign_activity_id, hours[0], hours[-1])
    return [len(found.get(hour, ())) for hour in hours]


def sparkline(counts: Iterable[int]) -> str:
    """Draw counts as bars, the highest as the full one; nothing as a blank."""
    counts = list(counts)
    highest = max(counts, default=0)
    return "".join(
        _BARS[(len(_BARS) - 1) * count // highest] if count else " " for count in counts
    ).rstrip()


def table(status: Status, width: int) -> Table:
    """Return the activities as a table of at most that width."""
    whole = width >= _WHOLE_IDS_FROM
    columns = fitting(
        [one._replace(width=_ID) if whole and one.name == "Activity" else one for one in _COLUMNS],
        width,
    )
    shown = table_of(columns)
    for one in status.activities:
        cells = _cells(one, status)
        if not whole:
            cells["Activity"] = f"{one.campaign_activity_id[:_SHORT_ID]}…"
        shown.add_row(*(cells[column.name] for column in columns))
    return shown


def account_line(status: Status) -> str:
    """Return what is left of the account's day, in a line."""
    account = status.account
    line = (
        f"Account {account.account_id}: "
        f"{requests_today(account, status.now)} of {status.requests_per_day} requests today"
    )
    if account.closed_until and account.closed_until > status.now:
        line += f"; the quota is closed until {iso(account.closed_until)}"
    if account.last_error:
        line += f"; {account.last_error}"
    return line if line.endswith(".") else f"{line}."


def as_json(status: Status) -> dict[str, Any]:
    """Return all of it as JSON values, instants in ISO 8601."""
    account = status.account
    return {
        "account": {
            "account_id": account.account_id,
            "requests_today": requests_today(account, status.now),
            "requests_per_day": status.requests_per_day,
            "closed_until": _plain(account.closed_until),
            "last_error": account.last_error,
        },
        "activities": [
            _plain(_flat(asdict(one)))
            | {
                "delay_seconds": _delay_seconds(one, status.now),
                "difference": difference(one),
                "opens_by_hour": status.by_hour[one.campaign_activity_id],
            }
            for one in status.activities
        ],
    }


def _flat(activity: dict[str, Any]) -> dict[str, Any]:
    """Return an activity's values with those of its groups beside the others."""
    groups = [activity.pop(name) for name in ("progress", "counts", "profile")]
    return activity | {name: value for group in groups for name, value in group.items()}


def difference(activity: Activity) -> int | None:
    """Return what was published or set aside, less what the last audit saw in the report.

    Below zero some are missing; above it some came after the audit, or were published twice.
    """
    if activity.counts.reported is None:
        return None
    return activity.counts.published + activity.counts.rejected - activity.counts.reported


def requests_today(account: Account, now: datetime) -> int:
    """Return how many requests of the day are spent or reserved."""
    return account.requests_spent if account.requests_day == now.date().isoformat() else 0


def _cells(one: Activity, status: Status) -> dict[str, str]:
    seconds, differs = _delay_seconds(one, status.now), difference(one)
    return {
        "Activity": one.campaign_activity_id,
        "Campaign": escape(one.campaign_name or _NOTHING),
        "State": str(one.state),
        "Watermark": _NOTHING if one.progress.watermark is None else iso(one.progress.watermark),
        "Delay": _NOTHING if seconds is None else _age(seconds),
        "Gaps": _gaps(one),
        "Published": str(one.counts.published),
        "Reported": _NOTHING if one.counts.reported is None else str(one.counts.reported),
        "Diff.": _NOTHING if differs is None else f"{differs:+d}" if differs else "0",
        "Opens of 24 h": sparkline(status.by_hour[one.campaign_activity_id]) or _NOTHING,
        "Last error": escape(one.last_error or _NOTHING),
    }


def _gaps(activity: Activity) -> str:
    """Return how many gaps there are, and how deep the deepest has come."""
    if not activity.progress.gaps:
        return "0"
    deepest = max(gap.rows_above for gap in activity.progress.gaps)
    of = f" of {activity.counts.reported}" if activity.counts.reported else ""
    return f"{len(activity.progress.gaps)}, {deepest}{of} rows"


def _delay_seconds(activity: Activity, now: datetime) -> float | None:
    """Return how long nobody has looked: an open may have waited so long."""
    if activity.state is not State.ACTIVE or activity.progress.polled_at is None:
        return None
    return max(0.0, (now - activity.progress.polled_at).total_seconds())


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return iso(value)
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value
