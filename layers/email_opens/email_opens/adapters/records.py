"""The stored form of accounts and activities, the same in every store.

A record maps an attribute's name to its value under its type: `{"watermark": {"S": "2026-…"}}`.
The types are S (text), N (a number as text), BOOL, L (list) and M (map). Values that are None or
empty are left out. Instants are ISO 8601 text, for people who read a table.

What the product learns again, such as names, counters and rates, is a hint: one that cannot be
read is ignored. For anything else that cannot be read, the error names the attribute.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict, cast

from email_opens.account import Account, CounterTrust
from email_opens.errors import AccountStopped
from email_opens.instants import iso, utc
from email_opens.model import Activity, Counts, Estimate, Gap, Profile, Progress, State


class Attribute(TypedDict, total=False):
    """A value under its type; exactly one key is set."""

    S: str
    N: str
    BOOL: bool
    L: Sequence[Any]
    M: Mapping[str, Any]


type Record = dict[str, Attribute]
type StoredRecord = Mapping[str, Attribute]

ACTIVITY_PREFIX = "activity#"
"""Precedes the activity's id in the attribute `item`."""

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_LEAST, _MOST = 1e-9, 1e12
"""The range of numbers that the scheduler calculates with; a rate of opens lies well within."""
_NEVER_WRITTEN = -1
"""A version that no record has, so that every write of a broken activity fails."""


class _Malformed(ValueError):
    """A malformed attribute; the message ends a sentence and omits the attribute's content."""


def account_from(account_id: str, record: StoredRecord) -> Account:
    """Read an account.

    Raises:
        AccountStopped: the record is malformed, so its lease and spent requests are unknown.
    """
    try:
        return _account(account_id, record)
    except _Malformed as error:
        raise AccountStopped(
            f"The item of account “{account_id}” in the tracking table cannot be read: {error}. "
            "Delete it: the next turn creates a new one and counts the day's requests from zero."
        ) from None


def _account(account_id: str, record: StoredRecord) -> Account:
    return Account(
        account_id=account_id,
        lease_holder=_text(record, "lease_holder"),
        lease_until=_instant(record, "lease_until"),
        requests_day=_text(record, "requests_day"),
        requests_spent=_whole(record, "requests_spent") or 0,
        closed_until=_instant(record, "closed_until"),
        rests_until=_hint(record, "rests_until", _bounded_instant),
        outages=_hint(record, "outages", _whole) or 0,
        vendor_account_id=_text(record, "vendor_account_id"),
        last_error=_hint(record, "last_error", _text),
        counter_trust=CounterTrust(
            read_at=_hint(record, "counted_at", _bounded_instant),
            current_until=_hint(record, "told_until", _bounded_instant),
            lag_seconds=_hint(record, "lag_seconds", _real) or 0.0,
            missed=min(1.0, _hint(record, "missed", _real) or 0.0),
        ),
    )


def account_record(account: Account) -> Record:
    """Write an account."""
    record = counter_trust_record(account.counter_trust) | _texts(
        account_id=account.account_id,
        lease_holder=account.lease_holder,
        lease_until=account.lease_until,
        requests_day=account.requests_day,
    )
    record["requests_spent"] = {"N": str(account.requests_spent)}
    if account.outages:
        record["outages"] = {"N": str(account.outages)}
    return record | _texts(
        closed_until=account.closed_until,
        rests_until=account.rests_until,
        vendor_account_id=account.vendor_account_id,
        last_error=account.last_error,
    )


def counter_trust_record(counter_trust: CounterTrust) -> Record:
    """Write the attributes of an account that hold its counter trust."""
    record = _texts(counted_at=counter_trust.read_at, told_until=counter_trust.current_until)
    numbers = {"lag_seconds": counter_trust.lag_seconds, "missed": counter_trust.missed}
    return record | {name: {"N": _number(number)} for name, number in numbers.items()}


def activity_record(activity: Activity) -> Record:
    """Write an activity."""
    progress, counts, profile = activity.progress, activity.counts, activity.profile
    record = _texts(
        account_id=activity.account_id,
        item=ACTIVITY_PREFIX + activity.campaign_activity_id,
        state=activity.state.value,
        campaign_id=activity.campaign_id,
        campaign_name=activity.campaign_name,
        last_error=activity.last_error,
        missing_since=activity.missing_since,
        sent_at=activity.sent_at,
        tracked_at=activity.tracked_at,
        tracked_from=activity.tracked_from,
        watermark=progress.watermark,
        polled_at=progress.polled_at,
        head_at=progress.head_at,
        swept_at=progress.swept_at,
        audited_at=progress.audited_at,
        audit_at=progress.audit_at,
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


def activity_from(record: StoredRecord) -> Activity:
    """Read an activity; a malformed record yields a `BROKEN` one with the reason as last error."""
    account_id = record["account_id"]["S"]
    campaign_activity_id = record["item"]["S"].removeprefix(ACTIVITY_PREFIX)
    try:
        return _activity(account_id, campaign_activity_id, record)
    except _Malformed as error:
        return Activity(
            account_id=account_id,
            campaign_activity_id=campaign_activity_id,
            state=State.BROKEN,
            tracked_at=_EARLIEST,
            last_error=(
                f"The activity's item in the tracking table cannot be read: {error}. "
                "Untrack it and track it again; opens that were published are not published again."
            ),
            version=_NEVER_WRITTEN,
        )


def _activity(account_id: str, campaign_activity_id: str, record: StoredRecord) -> Activity:
    return Activity(
        account_id=account_id,
        campaign_activity_id=campaign_activity_id,
        campaign_id=_hint(record, "campaign_id", _text),
        campaign_name=_hint(record, "campaign_name", _text),
        state=_state(record),
        sent_at=_hint(record, "sent_at", _bounded_instant),
        tracked_at=_required(record, "tracked_at", _bounded_instant),
        tracked_from=_instant(record, "tracked_from"),
        progress=Progress(
            watermark=_bounded_instant(record, "watermark"),
            gaps=_gaps(record),
            polled_at=_instant(record, "polled_at"),
            head_at=_hint(record, "head_at", _bounded_instant),
            swept_at=_instant(record, "swept_at"),
            audited_at=_instant(record, "audited_at"),
            audit_at=_hint(record, "audit_at", _bounded_instant),
        ),
        counts=Counts(
            published=_whole(record, "published") or 0,
            reported=_hint(record, "reported", _whole),
            rejected=_whole(record, "rejected") or 0,
        ),
        last_error=_hint(record, "last_error", _text),
        missing_since=_hint(record, "missing_since", _bounded_instant),
        weight=_positive(record, "weight") or 1.0,
        profile=Profile(
            estimate=_estimate(record),
            pages=_hint(record, "pages", _positive) or 1.0,
            counter=_hint(record, "counter", _whole),
            uncounted=_hint(record, "uncounted", _boolean) or False,
        ),
        version=_whole(record, "version") or 0,
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
    written = {name: _number(number) for name, number in numbers.items() if number is not None}
    return written | (
        {} if activity.profile.counter is None else {"counter": str(activity.profile.counter)}
    )


def _estimate(record: StoredRecord) -> Estimate | None:
    opens, exposure = (_hint(record, name, _positive) for name in ("opens", "exposure"))
    if opens is None or exposure is None:
        return None
    return Estimate(opens, exposure)


def _gap_record(gap: Gap) -> Record:
    record = _texts(
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


def _texts(**values: str | datetime | None) -> Record:
    """Write texts and instants; those that are None are left out."""
    return {
        name: {"S": iso(value) if isinstance(value, datetime) else value}
        for name, value in values.items()
        if value is not None
    }


def _gaps(record: StoredRecord) -> tuple[Gap, ...]:
    gaps = _value(record, "gaps", "L", "a list")
    if gaps is None:
        return ()
    if not all("M" in gap for gap in gaps):
        raise _Malformed("one of its gaps is not a map")
    return tuple(_gap(gap["M"]) for gap in gaps)


def _gap(record: StoredRecord) -> Gap:
    return Gap(
        floor=_instant(record, "floor"),
        ceiling=_instant(record, "ceiling"),
        link=_text(record, "link"),
        rows_above=_whole(record, "rows_above") or 0,
        reached=_instant(record, "reached"),
        failures=_whole(record, "failures") or 0,
        retry_at=_instant(record, "retry_at"),
    )


def _state(record: StoredRecord) -> State:
    text = _required(record, "state", _text)
    if text not in State:
        raise _Malformed("its state is unknown")
    return State(text)


def _required[T](
    record: StoredRecord, name: str, read: Callable[[StoredRecord, str], T | None]
) -> T:
    value = read(record, name)
    if value is None:
        raise _Malformed(f"its {name} is missing")
    return value


def _hint[T](
    record: StoredRecord, name: str, read: Callable[[StoredRecord, str], T | None]
) -> T | None:
    """Read a hint; return None also if it is malformed."""
    try:
        return read(record, name)
    except _Malformed:
        return None


def _boolean(record: StoredRecord, name: str) -> bool | None:
    value: bool | None = _value(record, name, "BOOL", "a boolean")
    return value


def _text(record: StoredRecord, name: str) -> str | None:
    text: str | None = _value(record, name, "S", "text")
    return text


def _whole(record: StoredRecord, name: str) -> int | None:
    value = _value(record, name, "N", "a number")
    try:
        return None if value is None else int(value)
    except ValueError:
        raise _Malformed(f"its {name} is not a whole number") from None


def _number(number: float) -> str:
    return f"{number:.6g}"


def _real(record: StoredRecord, name: str) -> float | None:
    value = _value(record, name, "N", "a number")
    try:
        number = None if value is None else float(value)
    except ValueError:
        raise _Malformed(f"its {name} is not a number") from None
    if number is not None and not 0 <= number < _MOST:
        raise _Malformed(f"its {name} is out of range")
    return number


def _positive(record: StoredRecord, name: str) -> float | None:
    number = _real(record, name)
    if number is not None and number < _LEAST:
        raise _Malformed(f"its {name} is out of range")
    return number


def _instant(record: StoredRecord, name: str) -> datetime | None:
    text = _text(record, name)
    try:
        return None if text is None else utc(text)
    except ValueError:
        raise _Malformed(f"its {name} is not an instant") from None


def _bounded_instant(record: StoredRecord, name: str) -> datetime | None:
    """Read an instant that durations are added to and subtracted from."""
    instant = _instant(record, name)
    if instant is not None and not _EARLIEST <= instant < _LATEST:
        raise _Malformed(f"its {name} is not between {_EARLIEST.year} and {_LATEST.year}")
    return instant


def _value(record: StoredRecord, name: str, kind: str, expected: str) -> Any:
    """Return the value of an attribute, None if it is missing.

    Raises:
        _Malformed: the value has another type than `kind`.
    """
    value = record.get(name)
    if value is None:
        return None
    if kind not in value:
        raise _Malformed(f"its {name} is not {expected}")
    return cast("Mapping[str, Any]", value)[kind]
