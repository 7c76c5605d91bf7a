"""Accounts and activities as DynamoDB items: what is None or empty is left out.

Instants are ISO 8601 text, for the people who look at a table; an activity without gaps stays
under 1 KB, which is one write unit.
"""

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from email_opens.errors import AccountStopped
from email_opens.instants import iso, utc
from email_opens.model import (
    Account,
    Activity,
    CounterTrust,
    Counts,
    Estimate,
    Gap,
    Profile,
    Progress,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type Item = dict[str, AttributeValueTypeDef]
    type StoredItem = Mapping[str, AttributeValueTypeDef]

ACCOUNT_ITEM = "account"
ACTIVITY_PREFIX = "activity#"

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_LEAST, _MOST = 1e-9, 1e12
"""Numbers that are reckoned with lie between; what leaves these bounds is no rate of opens."""
_NEVER_WRITTEN = -1
"""A version that no item has, so that no write of a broken activity ever succeeds."""


class _Broken(ValueError):
    """What is wrong with an item, as the end of a sentence without its content."""


def account_key(account_id: str) -> "Item":
    return {"account_id": {"S": account_id}, "item": {"S": ACCOUNT_ITEM}}


def activity_key(account_id: str, campaign_activity_id: str) -> "Item":
    return {
        "account_id": {"S": account_id},
        "item": {"S": ACTIVITY_PREFIX + campaign_activity_id},
    }


def account_of(account_id: str, item: "StoredItem") -> Account:
    """Read an account.

    Raises:
        AccountStopped: its item is broken; who holds the lease and what is spent is unknown.
    """
    try:
        return _account(account_id, item)
    except _Broken as fault:
        raise AccountStopped(
            f"The item of account “{account_id}” in the tracking table cannot be read: {fault}. "
            "Delete it: the next turn makes another, and counts the day's requests anew."
        ) from None


def _account(account_id: str, item: "StoredItem") -> Account:
    return Account(
        account_id=account_id,
        lease_holder=_text(item, "lease_holder"),
        lease_until=_instant(item, "lease_until"),
        requests_day=_text(item, "requests_day"),
        requests_spent=_whole(item, "requests_spent") or 0,
        closed_until=_instant(item, "closed_until"),
        last_error=_text(item, "last_error"),
        counter_trust=CounterTrust(
            read_at=_reckoned(item, "counted_at"),
            current_until=_reckoned(item, "told_until"),
            lag_seconds=_real(item, "lag_seconds") or 0.0,
            missed=min(1.0, _real(item, "missed") or 0.0),
        ),
    )


def counter_trust_item(counter_trust: CounterTrust) -> "Item":
    """Write what an account has learned; what is None is missing."""
    instants = {"counted_at": counter_trust.read_at, "told_until": counter_trust.current_until}
    item: Item = {name: {"S": iso(at)} for name, at in instants.items() if at is not None}
    numbers = {"lag_seconds": counter_trust.lag_seconds, "missed": counter_trust.missed}
    return item | {name: {"N": _number(number)} for name, number in numbers.items()}


def item_of(activity: Activity) -> "Item":
    """Write an activity with a `write` of its own, by which a writer knows its write again."""
    item = activity_key(activity.account_id, activity.campaign_activity_id)
    texts = {
        "state": activity.state.value,
        "campaign_id": activity.campaign_id,
        "campaign_name": activity.campaign_name,
        "last_error": activity.last_error,
    }
    instants = {
        "sent_at": activity.sent_at,
        "tracked_at": activity.tracked_at,
        "tracked_from": activity.tracked_from,
        "watermark": activity.progress.watermark,
        "polled_at": activity.progress.polled_at,
        "swept_at": activity.progress.swept_at,
        "audited_at": activity.progress.audited_at,
    }
    numbers = {
        "published": activity.counts.published,
        "reported": activity.counts.reported,
        "rejected": activity.counts.rejected,
        "version": activity.version,
    }
    item |= {name: {"S": text} for name, text in texts.items() if text is not None}
    item |= {name: {"S": iso(at)} for name, at in instants.items() if at is not None}
    item |= {name: {"N": str(number)} for name, number in numbers.items() if number is not None}
    item |= {name: {"N": number} for name, number in _rate_item(activity).items()}
    if activity.profile.uncounted:
        item["uncounted"] = {"BOOL": True}
    if activity.progress.gaps:
        item["gaps"] = {"L": [{"M": _gap_item(gap)} for gap in activity.progress.gaps]}
    item["write"] = {"B": secrets.token_bytes(6)}
    return item


def activity_of(item: "StoredItem") -> Activity:
    """Read an activity; one whose item is broken has the reason as its last error."""
    account_id = item["account_id"]["S"]
    campaign_activity_id = item["item"]["S"].removeprefix(ACTIVITY_PREFIX)
    try:
        return _activity(account_id, campaign_activity_id, item)
    except _Broken as fault:
        return Activity(
            account_id=account_id,
            campaign_activity_id=campaign_activity_id,
            state=State.BROKEN,
            tracked_at=_EARLIEST,
            last_error=(
                f"The activity's item in the tracking table cannot be read: {fault}. "
                "Untrack it and track it again; what was published is not published again."
            ),
            version=_NEVER_WRITTEN,
        )


def _activity(account_id: str, campaign_activity_id: str, item: "StoredItem") -> Activity:
    return Activity(
        account_id=account_id,
        campaign_activity_id=campaign_activity_id,
        campaign_id=_text(item, "campaign_id"),
        campaign_name=_text(item, "campaign_name"),
        state=_state(item),
        sent_at=_reckoned(item, "sent_at"),
        tracked_at=_required(item, "tracked_at", _reckoned),
        tracked_from=_instant(item, "tracked_from"),
        progress=Progress(
            watermark=_reckoned(item, "watermark"),
            gaps=_gaps(item),
            polled_at=_instant(item, "polled_at"),
            swept_at=_instant(item, "swept_at"),
            audited_at=_instant(item, "audited_at"),
        ),
        counts=Counts(
            published=_whole(item, "published") or 0,
            reported=_whole(item, "reported"),
            rejected=_whole(item, "rejected") or 0,
        ),
        last_error=_text(item, "last_error"),
        weight=_positive(item, "weight") or 1.0,
        profile=Profile(
            estimate=_estimate(item),
            pages=_positive(item, "pages") or 1.0,
            counter=_whole(item, "counter"),
            uncounted=bool(_value(item, "uncounted", "BOOL", "truth")),
        ),
        version=_whole(item, "version") or 0,
    )


def _rate_item(activity: Activity) -> dict[str, str]:
    """Write how often an activity is opened and polled; what is as usual is left out."""
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


def _estimate(item: "StoredItem") -> Estimate | None:
    opens, exposure = _positive(item, "opens"), _positive(item, "exposure")
    if opens is None or exposure is None:
        return None
    return Estimate(opens, exposure)


def _gap_item(gap: Gap) -> "Item":
    texts = {
        "floor": iso(gap.floor) if gap.floor else None,
        "ceiling": iso(gap.ceiling) if gap.ceiling else None,
        "link": gap.link,
    }
    item: Item = {name: {"S": text} for name, text in texts.items() if text is not None}
    return item | {"rows_above": {"N": str(gap.rows_above)}}


def _gaps(item: "StoredItem") -> tuple[Gap, ...]:
    gaps = _value(item, "gaps", "L", "list")
    if gaps is None:
        return ()
    if not all("M" in gap for gap in gaps):
        raise _Broken("one of its gaps is none")
    return tuple(_gap_of(gap["M"]) for gap in gaps)


def _gap_of(item: "StoredItem") -> Gap:
    return Gap(
        floor=_instant(item, "floor"),
        ceiling=_instant(item, "ceiling"),
        link=_text(item, "link"),
        rows_above=_whole(item, "rows_above") or 0,
    )


def _state(item: "StoredItem") -> State:
    text = _required(item, "state", _text)
    if text not in State:
        raise _Broken("its state is unknown")
    return State(text)


def _required[T](item: "StoredItem", name: str, read: "Callable[[StoredItem, str], T | None]") -> T:
    value = read(item, name)
    if value is None:
        raise _Broken(f"its {name} is missing")
    return value


def _text(item: "StoredItem", name: str) -> str | None:
    text: str | None = _value(item, name, "S", "text")
    return text


def _whole(item: "StoredItem", name: str) -> int | None:
    value = _value(item, name, "N", "number")
    try:
        return None if value is None else int(value)
    except ValueError:
        raise _Broken(f"its {name} is no whole number") from None


def _number(number: float) -> str:
    return f"{number:.6g}"


def _real(item: "StoredItem", name: str) -> float | None:
    value = _value(item, name, "N", "number")
    try:
        number = None if value is None else float(value)
    except ValueError:
        raise _Broken(f"its {name} is no number") from None
    if number is not None and not 0 <= number < _MOST:
        raise _Broken(f"its {name} is out of bounds")
    return number


def _positive(item: "StoredItem", name: str) -> float | None:
    number = _real(item, name)
    if number is not None and number < _LEAST:
        raise _Broken(f"its {name} is out of bounds")
    return number


def _instant(item: "StoredItem", name: str) -> datetime | None:
    text = _text(item, name)
    try:
        return None if text is None else utc(text)
    except ValueError:
        raise _Broken(f"its {name} is no instant") from None


def _reckoned(item: "StoredItem", name: str) -> datetime | None:
    """Read an instant to which durations are added, and from which they are taken."""
    instant = _instant(item, name)
    if instant is not None and not _EARLIEST <= instant < _LATEST:
        raise _Broken(f"its {name} is not between {_EARLIEST.year} and {_LATEST.year}")
    return instant


def _value(item: "StoredItem", name: str, kind: str, word: str) -> Any:
    """Return the value of an attribute, which must be of a kind; None if there is none."""
    value = item.get(name)
    if value is None:
        return None
    if kind not in value:
        raise _Broken(f"its {name} is no {word}")
    return cast("Mapping[str, Any]", value)[kind]
