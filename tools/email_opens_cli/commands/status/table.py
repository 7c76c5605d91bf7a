"""The status for people: a table as wide as the terminal, and a line about the account."""

from collections.abc import Iterable

from email_opens.instants import iso
from email_opens.model import Activity
from email_opens_cli.commands.status.reading import HOURS, Status, delay_seconds
from email_opens_cli.terminal.columns import Column, fitted
from email_opens_cli.terminal.columns import table as table_of
from email_opens_cli.terminal.console import Renderable
from email_opens_cli.terminal.words import age, ago, count

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
        f"{account.requests_on(status.now):,} of {status.requests_to_spend:,} requests today"
    )
    if opens_at:
        line += f"; the quota is closed until {iso(opens_at)}"
    rests_until = account.rests_at(status.now)
    if rests_until:
        line += f"; it rests until {iso(rests_until.replace(microsecond=0))}"
    searched_at = account.searches.completed_at
    if searched_at:
        line += f"; new sends were last searched for {ago(searched_at, status.now)}"
    return " ".join(filter(None, (f"{line}.", account.last_error)))


def sparkline(counts: Iterable[int]) -> str:
    """Draw counts as bars relative to the highest; zero is a blank."""
    counts = list(counts)
    highest = max(counts, default=0)
    return "".join(
        _BARS[(len(_BARS) - 1) * count // highest] if count else " " for count in counts
    ).rstrip()


def _cells(activity: Activity, status: Status) -> dict[str, str]:
    progress, counts = activity.progress, activity.counts
    seconds = delay_seconds(activity, status.now)
    differs = status.differences[activity.campaign_activity_id]
    # What was reported before more opens were published would look like an error.
    outdated = differs is None and (counts.reported or 0) < counts.published
    return {
        "E-mail": _title(activity),
        "Id": activity.campaign_activity_id,
        "State": str(activity.state),
        "Watermark": _NOTHING if progress.watermark is None else iso(progress.watermark),
        "Delay": _NOTHING if seconds is None else age(seconds),
        "Gaps": _gaps(activity),
        "Published": str(counts.published),
        "Reported": _NOTHING if counts.reported is None or outdated else str(counts.reported),
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
