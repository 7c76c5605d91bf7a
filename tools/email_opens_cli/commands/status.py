"""What is tracked and how far it has come, for people and as JSON."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from email_opens.account import Account as StoredAccount
from email_opens.errors import InvalidInput
from email_opens.events import bucket
from email_opens.instants import iso
from email_opens.model import Activity, State
from email_opens.ports import Clock, Ledger
from email_opens_cli.arguments.options import Account, Json, Stack, parse_account
from email_opens_cli.commands.watch.state import StateReader, reader
from email_opens_cli.terminal.columns import Column, fitted
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
from email_opens_cli.terminal.words import age, count

if TYPE_CHECKING:
    from email_opens.bootstrap import EmailOpens

HOURS = 24

_NOTHING = "-"
_BARS = "▁▂▃▄▅▆▇█"
_LAST_ERROR = "Last error"
_COLUMNS = (
    Column("E-mail", 16, rank=0, folds=True),
    Column("State", 8, rank=1),
    Column("Delay", 5, rank=2, right=True),
    Column("Published", 9, rank=4, right=True),
    Column("Opens of 24 h", HOURS, rank=6),
    Column("Watermark", 20, rank=8),
    Column("Gaps", 20, rank=9),
    Column("Reported", 8, rank=10, right=True),
    Column("Diff.", 6, rank=7, right=True),
    Column(_LAST_ERROR, 20, rank=3, folds=True),
    Column("Id", 36, rank=5),
)
_FIRST_BUCKET, _LAST_BUCKET = "0", "~"
"""Before and after every bucket of the ledger, that of the rejected rows included."""
_REDRAWN_EVERY_SECONDS = 2.0
_NAPS = 10
_AT_ONCE = 8
"""Activities whose hours are read from the ledger side by side."""


def status(
    account: Account = "default",
    stack: Stack = None,
    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="FILE", help="Show the state file of `watch` instead."),
    ] = None,
    *,
    as_json: Json = False,
    redraw: Annotated[
        bool, typer.Option("--watch", help="Redraw the status until Ctrl-C.")
    ] = False,
) -> None:
    """Show what is tracked, and how far it has come.

    Without a stack, this is the state file of `email-opens watch`.
    """
    with complaints():
        if redraw and as_json:
            raise InvalidInput("--watch is for people and --json for programs: use one of them.")
        account_id, screen = parse_account(account), console()
        read, clock = reader(account_id, stack, state, partial(read_status, account_id=account_id))
        if redraw:
            redraw_status(read, clock, screen)
            return
        current = read()
        if as_json:
            say_json(status_json(current), indent=2)
            return
        if current.activities:
            screen.print(*table(current, screen.width), sep="\n")
        else:
            say("Nothing is tracked. Track an e-mail with `email-opens track E-MAIL`.")
        say(account_line(current))


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status of an account."""

    account: StoredAccount
    activities: Sequence[Activity]
    """The latest send first."""
    by_hour: dict[str, list[int]]
    """By activity: the opens published of each of the last hours."""
    differences: dict[str, int | None]
    """By activity: as `difference` returns them."""
    requests_per_day: int
    now: datetime


def read_status(wired: "EmailOpens | StateReader", account_id: str) -> Status:
    """Read the status of an account."""
    now = wired.clock.now()
    activities = wired.tracking.activities(account_id)
    ledger = wired.ledger

    def read(activity: Activity) -> tuple[list[int], int | None]:
        return opens_by_hour(ledger, activity, now), difference(ledger, activity)

    read_each = dict(
        zip(
            [activity.campaign_activity_id for activity in activities],
            _side_by_side(wired, read, activities),
            strict=True,
        )
    )
    return Status(
        account=wired.tracking.account(account_id) or StoredAccount(account_id=account_id),
        activities=sorted(
            activities, key=lambda activity: activity.sent_at or activity.tracked_at, reverse=True
        ),
        by_hour={activity_id: hours for activity_id, (hours, _) in read_each.items()},
        differences={activity_id: differs for activity_id, (_, differs) in read_each.items()},
        requests_per_day=wired.settings.requests_per_day,
        now=now,
    )


def _side_by_side[T](
    wired: "EmailOpens | StateReader", read: Callable[[Activity], T], activities: list[Activity]
) -> list[T]:
    """Read something of each activity: at once, except from a file, which is one thread's."""
    if isinstance(wired, StateReader):
        return [read(activity) for activity in activities]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        return list(threads.map(read, activities))


def redraw_status(read: Callable[[], Status], clock: Clock, screen: TextConsole) -> None:
    """Redraw the status every other second, until Ctrl-C.

    Raises:
        InvalidInput: stdout is not a terminal.
    """
    if not screen.is_terminal:
        raise InvalidInput("--watch needs a terminal, and stdout is not one: leave it out.")
    with Ending() as ending, redrawn(screen) as redraw:
        while not ending.requested:
            current = read()
            redraw(*table(current, screen.width), account_line(current))
            for _ in range(_NAPS):
                if not ending.requested:
                    clock.sleep(_REDRAWN_EVERY_SECONDS / _NAPS)
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


def table(status: Status, width: int) -> list[Renderable]:
    """Return the activities as a table of at most this width, and the errors that do not fit."""
    failing = [activity for activity in status.activities if activity.last_error]
    wanted = [column for column in _COLUMNS if failing or column.name != _LAST_ERROR]
    cells = [_cells(activity, status) for activity in status.activities]
    columns, rows = fitted(wanted, cells, width)
    shown: list[Renderable] = [table_of(columns, rows)]
    if _LAST_ERROR not in {column.name for column in columns}:
        shown += [f"{_title(activity)}: {activity.last_error}" for activity in failing]
    return shown


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
                "difference": status.differences[activity.campaign_activity_id],
                "opens_by_hour": status.by_hour[activity.campaign_activity_id],
            }
            for activity in status.activities
        ],
    }


def _flat(activity: dict[str, Any]) -> dict[str, Any]:
    """Return an activity's values with those of its groups beside the others."""
    groups = [activity.pop(name) for name in ("progress", "counts", "profile")]
    return activity | {name: value for group in groups for name, value in group.items()}


def difference(ledger: Ledger, activity: Activity) -> int | None:
    """Return the rows published or set aside, less those that the last audit counted.

    Below zero, some are missing. Above zero, some were published twice; once the report was read
    again after the audit, that cannot be told from opens that came later, and so it is None.
    """
    counts, progress = activity.counts, activity.progress
    if counts.reported is None:
        return None
    differs = counts.published + counts.rejected - counts.reported
    if differs < 0:
        # Of an e-mail that is tracked again, the ledger also has what was published before.
        found = ledger.fingerprints(activity.campaign_activity_id, _FIRST_BUCKET, _LAST_BUCKET)
        differs = max(differs, sum(map(len, found.values())) - counts.reported)
    return None if differs > 0 and progress.polled_at != progress.audited_at else differs


def _cells(activity: Activity, status: Status) -> dict[str, str]:
    progress, counts = activity.progress, activity.counts
    seconds = _delay_seconds(activity, status.now)
    differs = status.differences[activity.campaign_activity_id]
    return {
        "E-mail": _title(activity),
        "Id": activity.campaign_activity_id,
        "State": str(activity.state),
        "Watermark": _NOTHING if progress.watermark is None else iso(progress.watermark),
        "Delay": _NOTHING if seconds is None else age(seconds),
        "Gaps": _gaps(activity),
        "Published": str(counts.published),
        "Reported": _NOTHING if counts.reported is None else str(counts.reported),
        "Diff.": _NOTHING if differs is None else f"{differs:+d}" if differs else "0",
        "Opens of 24 h": sparkline(status.by_hour[activity.campaign_activity_id]) or _NOTHING,
        _LAST_ERROR: activity.last_error or _NOTHING,
    }


def _title(activity: Activity) -> str:
    """Return the name of an activity, or its id if it has none."""
    return activity.campaign_name or activity.campaign_activity_id


def _gaps(activity: Activity) -> str:
    """Return the number of gaps, and the rows that the deepest walk has read."""
    if not activity.progress.gaps:
        return "0"
    deepest = max(gap.rows_above for gap in activity.progress.gaps)
    of = f" of {activity.counts.reported}" if activity.counts.reported else ""
    rows = f"{deepest}{of} rows" if of else count(deepest, "row")
    return f"{len(activity.progress.gaps)}, {rows}"


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
