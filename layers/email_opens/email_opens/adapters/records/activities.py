"""The stored form of activities."""

from copy import replace

from email_opens.adapters.records.attributes import (
    EARLIEST,
    Malformed,
    Record,
    StoredRecord,
    boolean,
    bounded_instant,
    hint,
    instant,
    positive_number,
    required,
    six_digits,
    text,
    texts,
    typed_value,
    whole_number,
)
from email_opens.adapters.records.schemas import (
    NewerSchema,
    newer_value,
    refuse_newer,
    schema_record,
    unknown_of,
)
from email_opens.model import (
    UNREADABLE,
    Activity,
    Counts,
    Estimate,
    Gap,
    Profile,
    Progress,
    State,
)

ACTIVITY_PREFIX = "activity#"
"""Precedes the activity's id in the attribute `item`."""
ARCHIVED_PREFIX = "archived#"
"""Takes its place in the items that turns do not read; versions without it read none of them."""

SCHEMA = 1
"""The newest schema of activities that this version understands, and the one that it writes."""

KNOWN = frozenset(
    {
        *("account_id", "item", "schema", "version", "write"),
        *("campaign_id", "campaign_name", "subject", "state", "weight"),
        *("sent_at", "tracked_at", "tracked_from", "missing_since", "last_error"),
        *("watermark", "gaps", "polled_at", "head_at", "continued_at"),
        *("swept_at", "audited_at", "audit_at"),
        *("published", "reported", "rejected"),
        *("opens", "exposure", "surged_at", "pages", "counter", "uncounted"),
    }
)
"""The attributes of an activity that this version reads, or writes anew with each write."""
KNOWN_OF_GAP = frozenset(
    {"floor", "ceiling", "link", "rows_above", "reached", "failures", "retry_at"}
)

_NEVER_WRITTEN = -1
"""A version that no record has, so that every write of an unreadable activity fails."""


def activity_record(activity: Activity) -> Record:
    """Write an activity."""
    progress, counts, profile = activity.progress, activity.counts, activity.profile
    record: Record = {**activity.unknown} | schema_record(SCHEMA)
    record |= texts(
        account_id=activity.account_id,
        item=prefix_of(archived=activity.archived) + activity.campaign_activity_id,
        state=activity.state.value,
        campaign_id=activity.campaign_id,
        campaign_name=activity.campaign_name,
        subject=activity.subject,
        last_error=activity.last_error,
        missing_since=activity.missing_since,
        sent_at=activity.sent_at,
        tracked_at=activity.tracked_at,
        tracked_from=activity.tracked_from,
        watermark=progress.watermark,
        polled_at=progress.polled_at,
        head_at=progress.head_at,
        continued_at=progress.continued_at,
        swept_at=progress.swept_at,
        audited_at=progress.audited_at,
        audit_at=progress.audit_at,
        surged_at=profile.surged_at,
    )
    numbers = {
        "published": counts.published,
        "reported": counts.reported,
        "rejected": counts.rejected,
        "version": activity.version,
    }
    record |= {name: {"N": str(number)} for name, number in numbers.items() if number is not None}
    record |= {name: {"N": number} for name, number in _rates(activity).items()}
    if profile.uncounted:
        record["uncounted"] = {"BOOL": True}
    if progress.gaps:
        record["gaps"] = {"L": [{"M": _gap_record(gap)} for gap in progress.gaps]}
    return record


def prefix_of(*, archived: bool) -> str:
    """Return what precedes the id of an activity in the attribute `item`."""
    return ARCHIVED_PREFIX if archived else ACTIVITY_PREFIX


def activity_from(record: StoredRecord) -> Activity:
    """Read an activity.

    A malformed record yields a `BROKEN` one, and one that only a newer version understands a
    `NEWER` one, with the reason as last error.
    """
    account_id = record["account_id"]["S"]
    item = record["item"]["S"]
    archived = item.startswith(ARCHIVED_PREFIX)
    campaign_activity_id = item.removeprefix(prefix_of(archived=archived))
    try:
        activity = _activity(account_id, campaign_activity_id, record)
        return replace(activity, archived=archived) if archived else activity
    except NewerSchema as error:
        state, reason = State.NEWER, str(error)
    except Malformed as error:
        state = State.BROKEN
        reason = (
            f"The activity's item in the tracking table cannot be read: {error}. "
            "Untrack it and track it again; opens that were published are not published again."
        )
    return Activity(
        account_id=account_id,
        campaign_activity_id=campaign_activity_id,
        campaign_name=hint(record, "campaign_name", text),
        state=state,
        tracked_at=EARLIEST,
        last_error=reason,
        archived=archived,
        version=_NEVER_WRITTEN,
    )


def _activity(account_id: str, campaign_activity_id: str, record: StoredRecord) -> Activity:
    item = f"The item of activity {campaign_activity_id}"
    refuse_newer(record, SCHEMA, item)
    return Activity(
        account_id=account_id,
        campaign_activity_id=campaign_activity_id,
        campaign_id=hint(record, "campaign_id", text),
        campaign_name=hint(record, "campaign_name", text),
        subject=hint(record, "subject", text),
        state=_state(record, item),
        sent_at=hint(record, "sent_at", bounded_instant),
        tracked_at=required(record, "tracked_at", bounded_instant),
        tracked_from=instant(record, "tracked_from"),
        progress=Progress(
            watermark=bounded_instant(record, "watermark"),
            gaps=_gaps(record),
            polled_at=instant(record, "polled_at"),
            head_at=hint(record, "head_at", bounded_instant),
            continued_at=hint(record, "continued_at", bounded_instant),
            swept_at=instant(record, "swept_at"),
            audited_at=instant(record, "audited_at"),
            audit_at=hint(record, "audit_at", bounded_instant),
        ),
        counts=Counts(
            published=whole_number(record, "published") or 0,
            reported=hint(record, "reported", whole_number),
            rejected=whole_number(record, "rejected") or 0,
        ),
        last_error=hint(record, "last_error", text),
        missing_since=hint(record, "missing_since", bounded_instant),
        weight=positive_number(record, "weight") or 1.0,
        profile=Profile(
            estimate=_estimate(record),
            surged_at=hint(record, "surged_at", bounded_instant),
            pages=hint(record, "pages", positive_number) or 1.0,
            counter=hint(record, "counter", whole_number),
            uncounted=hint(record, "uncounted", boolean) or False,
        ),
        version=whole_number(record, "version") or 0,
        unknown=unknown_of(record, KNOWN),
    )


def _rates(activity: Activity) -> dict[str, str]:
    """Write the numbers that the scheduler reads; those at their defaults are left out."""
    estimate = activity.profile.estimate
    numbers = {
        "weight": None if activity.weight == 1 else activity.weight,
        "pages": None if activity.profile.pages == 1 else activity.profile.pages,
        "opens": estimate.opens if estimate else None,
        "exposure": estimate.exposure_seconds if estimate else None,
    }
    written = {name: six_digits(number) for name, number in numbers.items() if number is not None}
    return written | (
        {} if activity.profile.counter is None else {"counter": str(activity.profile.counter)}
    )


def _estimate(record: StoredRecord) -> Estimate | None:
    opens, exposure = (hint(record, name, positive_number) for name in ("opens", "exposure"))
    if opens is None or exposure is None:
        return None
    return Estimate(opens, exposure)


def _gap_record(gap: Gap) -> Record:
    record: Record = {**gap.unknown} | texts(
        floor=gap.floor,
        ceiling=gap.ceiling,
        link=gap.link,
        reached=gap.reached,
        retry_at=gap.retry_at,
    )
    record["rows_above"] = {"N": str(gap.rows_above)}
    if gap.failures:
        record["failures"] = {"N": str(gap.failures)}
    return record


def _gaps(record: StoredRecord) -> tuple[Gap, ...]:
    gaps = typed_value(record, "gaps", "L", "a list")
    if gaps is None:
        return ()
    if not all("M" in gap for gap in gaps):
        raise Malformed("one of its gaps is not a map")
    return tuple(_gap(gap["M"]) for gap in gaps)


def _gap(record: StoredRecord) -> Gap:
    return Gap(
        floor=instant(record, "floor"),
        ceiling=instant(record, "ceiling"),
        link=text(record, "link"),
        rows_above=whole_number(record, "rows_above") or 0,
        reached=instant(record, "reached"),
        failures=whole_number(record, "failures") or 0,
        retry_at=instant(record, "retry_at"),
        unknown=unknown_of(record, KNOWN_OF_GAP),
    )


def _state(record: StoredRecord, item: str) -> State:
    state = required(record, "state", text)
    if state not in State or State(state) in UNREADABLE:
        raise newer_value(item, "state")
    return State(state)
