"""The stored form of accounts."""

import json
from base64 import b64decode, b64encode
from datetime import date, datetime

from email_opens.account import (
    Account,
    Chain,
    CounterTrust,
    ExpectedSend,
    Hours,
    KeyShare,
    Searches,
    WakeUp,
)
from email_opens.adapters.records.attributes import (
    Malformed,
    Record,
    StoredRecord,
    bounded_instant,
    hint,
    instant,
    real_number,
    required,
    six_digits,
    text,
    texts,
    whole_number,
)
from email_opens.adapters.records.schemas import (
    NewerSchema,
    refuse_newer,
    schema_record,
    unknown_of,
)
from email_opens.errors import AccountStopped
from email_opens.instants import iso

SCHEMA = 1
"""The newest schema of accounts that this version understands, and the one that it writes."""

WAKE_UP = ("wake_up", "wake_up_at", "chain_began_at", "chain_wake_ups")
"""The names of the attributes that hold an account's wake-up."""
KNOWN = frozenset(
    {
        *("account_id", "item", "schema", "lease_holder", "lease_until"),
        *("requests_day", "requests_spent", "share_day", "share_requests"),
        *("closed_until", "rests_until", "outages", "vendor_account_id", "last_error"),
        *("turn_completed_at", "search_completed_at", "search_tried_at", "search_failures"),
        *("expected_sends", "schedules_due_at"),
        *("counted_at", "told_until", "lag_seconds", "missed", "archived", "hours", *WAKE_UP),
    }
)
"""The attributes of an account that this version reads."""
HOUR_UNITS = 4096
"""What is known of an hour is stored in units of an open divided by this, in three bytes."""
_MOST_REQUESTS = 10**9
"""No key allows more requests a day."""


def account_from(account_id: str, record: StoredRecord) -> Account:
    """Read an account.

    Raises:
        AccountStopped: the record is malformed, or only a newer version understands it, so its
            lease and spent requests are unknown.
    """
    try:
        refuse_newer(record, SCHEMA, f"The item of account “{account_id}”")
        return _account(account_id, record)
    except NewerSchema as error:
        raise AccountStopped(str(error)) from None
    except Malformed as error:
        raise AccountStopped(
            f"The item of account “{account_id}” in the tracking table cannot be read: {error}. "
            "Delete it: the next turn creates a new one and counts the day's requests from zero."
        ) from None


def _account(account_id: str, record: StoredRecord) -> Account:
    at, _, archived_to = (hint(record, "archived", text) or "").partition("/")
    archived_at = hint({"at": {"S": at}} if at else {}, "at", bounded_instant)
    return Account(
        account_id=account_id,
        lease_holder=text(record, "lease_holder"),
        lease_until=instant(record, "lease_until"),
        requests_day=text(record, "requests_day"),
        requests_spent=whole_number(record, "requests_spent") or 0,
        closed_until=instant(record, "closed_until"),
        rests_until=hint(record, "rests_until", bounded_instant),
        outages=hint(record, "outages", whole_number) or 0,
        vendor_account_id=text(record, "vendor_account_id"),
        key_share=_key_share(record),
        last_error=hint(record, "last_error", text),
        turn_completed_at=hint(record, "turn_completed_at", bounded_instant),
        searches=Searches(
            completed_at=hint(record, "search_completed_at", bounded_instant),
            tried_at=hint(record, "search_tried_at", bounded_instant)
            or hint(record, "search_completed_at", bounded_instant),
            failures=max(0, hint(record, "search_failures", whole_number) or 0),
            expected=hint(record, "expected_sends", _expected_sends) or (),
            schedules_due_at=hint(record, "schedules_due_at", bounded_instant),
        ),
        counter_trust=CounterTrust(
            read_at=hint(record, "counted_at", bounded_instant),
            current_until=hint(record, "told_until", bounded_instant),
            lag_seconds=hint(record, "lag_seconds", real_number) or 0.0,
            missed=min(1.0, hint(record, "missed", real_number) or 0.0),
            archived_at=archived_at,
            archived_to=archived_to or None,
        ),
        hours=_hours(record),
        wake_up=_wake_up(record),
        unknown=unknown_of(record, KNOWN),
    )


def account_record(account: Account) -> Record:
    """Write an account."""
    record: Record = {**account.unknown} | schema_record(SCHEMA)
    record |= counter_trust_record(account.counter_trust) | texts(
        account_id=account.account_id,
        lease_holder=account.lease_holder,
        lease_until=account.lease_until,
        requests_day=account.requests_day,
    )
    record["requests_spent"] = {"N": str(account.requests_spent)}
    if account.outages:
        record["outages"] = {"N": str(account.outages)}
    if account.hours != Hours():
        record |= hours_record(account.hours)
    if account.key_share:
        record |= key_share_record(account.key_share)
    if account.wake_up:
        record |= wake_up_record(account.wake_up)
    record |= texts(
        closed_until=account.closed_until,
        rests_until=account.rests_until,
        vendor_account_id=account.vendor_account_id,
        last_error=account.last_error,
        turn_completed_at=account.turn_completed_at,
    )
    return record | searches_record(account.searches)


def searches_record(searches: Searches) -> Record:
    """Write the attributes of an account that hold its searches."""
    record = texts(
        search_completed_at=searches.completed_at,
        # It is the same after a completed search, and the item is to fit into a write unit.
        search_tried_at=None if searches.tried_at == searches.completed_at else searches.tried_at,
        schedules_due_at=searches.schedules_due_at,
    )
    if searches.expected:
        sends = [[send.campaign_id, iso(send.at), send.resend_of] for send in searches.expected]
        record["expected_sends"] = {"S": json.dumps(sends)}
    return record | (
        {"search_failures": {"N": str(searches.failures)}} if searches.failures else {}
    )


def _expected_sends(record: StoredRecord, name: str) -> tuple[ExpectedSend, ...]:
    try:
        return tuple(
            ExpectedSend(str(campaign_id), _bounded(at), resend_of and str(resend_of))
            for campaign_id, at, resend_of in json.loads(text(record, name) or "[]")
        )
    except (TypeError, ValueError, RecursionError):
        raise Malformed(f"its {name} are not scheduled sends") from None


def _bounded(at: str) -> datetime:
    return required({"at": {"S": at}}, "at", bounded_instant)


def key_share_record(key_share: KeyShare) -> Record:
    """Write the attributes of an account that hold its share of the key."""
    record = texts(share_day=key_share.day.isoformat())
    return record | {"share_requests": {"N": str(key_share.requests)}}


def _key_share(record: StoredRecord) -> KeyShare | None:
    requests = hint(record, "share_requests", whole_number)
    day = hint(record, "share_day", _day)
    if requests is None or day is None or not 0 < requests <= _MOST_REQUESTS:
        return None
    return KeyShare(requests, day)


def _day(record: StoredRecord, name: str) -> date | None:
    value = text(record, name)
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise Malformed(f"its {name} is not a day") from None


def wake_up_record(wake_up: WakeUp) -> Record:
    """Write the attributes of an account that hold its wake-up."""
    record = texts(
        wake_up=wake_up.token,
        wake_up_at=wake_up.due_at,
        chain_began_at=wake_up.chain.began_at,
    )
    return record | {"chain_wake_ups": {"N": str(wake_up.chain.wake_ups)}}


def _wake_up(record: StoredRecord) -> WakeUp | None:
    token, due_at = hint(record, "wake_up", text), hint(record, "wake_up_at", bounded_instant)
    began_at = hint(record, "chain_began_at", bounded_instant)
    wake_ups = hint(record, "chain_wake_ups", whole_number)
    if token is None or due_at is None or began_at is None or wake_ups is None or wake_ups < 0:
        return None
    return WakeUp(token=token, due_at=due_at, chain=Chain(began_at, wake_ups))


def hours_record(hours: Hours) -> Record:
    """Write the attribute of an account that holds what is known of the hours of the day."""
    counts = (max(1, round(number * HOUR_UNITS)) for number in (*hours.opens, *hours.expected))
    return texts(hours=b64encode(b"".join(count.to_bytes(3) for count in counts)).decode())


def _hours(record: StoredRecord) -> Hours:
    return hint(record, "hours", _unpacked_hours) or Hours()


def _unpacked_hours(record: StoredRecord, name: str) -> Hours | None:
    value = text(record, name)
    if value is None:
        return None
    try:
        packed = b64decode(value, validate=True)
    except ValueError:
        raise Malformed(f"its {name} are not base64") from None
    counts = [int.from_bytes(packed[at : at + 3]) for at in range(0, len(packed), 3)]
    if len(packed) != 3 * 48 or not all(counts):
        raise Malformed(f"its {name} are not two numbers for each hour")
    numbers = tuple(count / HOUR_UNITS for count in counts)
    return Hours(numbers[:24], numbers[24:])


def counter_trust_record(counter_trust: CounterTrust) -> Record:
    """Write the attributes of an account that hold its counter trust."""
    record = texts(counted_at=counter_trust.read_at, told_until=counter_trust.current_until)
    if counter_trust.archived_at is not None:
        # In one attribute, because the item is to fit into a write unit.
        at = iso(counter_trust.archived_at.replace(microsecond=0))
        record |= texts(archived=f"{at}/{counter_trust.archived_to or ''}")
    numbers = {"lag_seconds": counter_trust.lag_seconds, "missed": counter_trust.missed}
    return record | {name: {"N": six_digits(number)} for name, number in numbers.items()}
