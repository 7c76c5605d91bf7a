"""The control endpoint, for tests in other processes: JSON under `/_control/`.

`GET /_control/` lists the actions. A reply has the result, or an error with status 400.
"""

from base64 import b64decode
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from json import JSONDecodeError, loads
from typing import Any

from constant_contact_emulator.messages import Raw, Reply, Request
from constant_contact_emulator.serving.vendor import Vendor
from constant_contact_emulator.world.behaviour import LastPage, Paging, Ties, TimeFormat
from constant_contact_emulator.world.clocks import ManualClock
from constant_contact_emulator.world.instants import parse_instant
from constant_contact_emulator.world.oddities import ODD_FIELDS
from constant_contact_emulator.world.report import Contact, Row
from constant_contact_emulator.world.send import simulate_send
from constant_contact_emulator.world.world import OddCounter

PREFIX = "/_control/"


def control(vendor: Vendor, request: Request) -> Reply:
    """Answer a request to the control endpoint; an invalid one gets a 400 with the error."""
    action = _ACTIONS.get((request.method, request.path.removeprefix(PREFIX)))
    if action is None:
        known = {
            f"{method} {PREFIX}{name}": " ".join((known.__doc__ or "").split())
            for (method, name), known in sorted(_ACTIONS.items())
        }
        status = HTTPStatus.OK if request.path == PREFIX else HTTPStatus.NOT_FOUND
        return Reply(status, {"known": known})
    try:
        details = loads(request.body) if request.body else {}
        return Reply(payload=action(vendor, request.query | details))
    except (JSONDecodeError, KeyError, TypeError, ValueError) as error:
        message = f"{type(error).__name__}: {error}"
        return Reply(HTTPStatus.BAD_REQUEST, {"error": message})


def _add_fault(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Queue a fault: the fields of `Fault`, `for_seconds`, and `body_base64` for raw bytes."""
    if "body_base64" in details:
        details["body"] = b64decode(details.pop("body_base64"), validate=True)
    vendor.faults.add(**details)
    return {"faults": len(vendor.faults)}


def _clear_faults(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    """End all faults."""
    vendor.faults.clear()
    return {"faults": 0}


def _count_faults(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    """Count the faults that have not ended."""
    return {"faults": len(vendor.faults)}


def _add_opens(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Add opens to `activity`: `count` of the contacts from `first` on, or those in `opens`.

    Each of `opens` may have contact, contact_id, email_address, created_time, visible_from,
    device_type, and `odd`: the name of an odd field.
    """
    activity_id = details["activity"]
    first = int(details.get("first", 0))
    opens = details.get("opens")
    if opens is None:
        opens = [{"contact": first + n} for n in range(int(details.get("count", 1)))]
    with vendor.world.lock:
        for open_ in opens:
            contact: Contact | int = int(open_.get("contact", 0))
            if "contact_id" in open_:
                contact = Contact(open_["contact_id"], open_.get("email_address", "x@example.com"))
            vendor.world.add_open(
                activity_id,
                contact,
                at=_instant(open_.get("created_time")),
                device_type=open_.get("device_type", "computer"),
                visible_from=_instant(open_.get("visible_from")),
                extra=ODD_FIELDS[open_["odd"]] if "odd" in open_ else None,
            )
    return _count_rows(vendor, details)


def _add_raw_row(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Add `row` to `activity` as it is, or the bytes of `row_base64`, in the position of `at`."""
    at = _instant(details.get("at"))
    row = details.get("row")
    if "row_base64" in details:
        row = Raw(b64decode(details["row_base64"], validate=True))
    if row is None:
        raise KeyError("row")
    vendor.world.add_raw_row(details["activity"], row, at=at)
    return _count_rows(vendor, details)


def _count_rows(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Count the visible rows of `activity`."""
    return {"rows": vendor.world.count_rows(details["activity"])}


def _withdraw(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Withdraw rows of `activity`, the newest first: `at_most` (1), or those of `contact_id`."""
    withdrawn = vendor.world.withdraw(
        details["activity"], _of_contact(details), at_most=int(details.get("at_most", 1))
    )
    return {"withdrawn": withdrawn}


def _revise(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Revise rows of `activity` as `withdraw` selects them: `device_type`, or `seconds` later."""
    revised = vendor.world.revise(
        details["activity"],
        _of_contact(details),
        device_type=details.get("device_type"),
        later=timedelta(seconds=float(details.get("seconds", 0))),
        at_most=int(details.get("at_most", 1)),
    )
    return {"revised": len(revised)}


def _erase(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Erase the contact `contact_id`: its rows lose their address."""
    return {"erased": vendor.world.erase(details["contact_id"])}


def _of_contact(details: dict[str, Any]) -> Callable[[Row], bool]:
    contact_id = details.get("contact_id")
    return lambda row: contact_id is None or row.contact.contact_id == contact_id


def _set_counter(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Set the odd counter of `campaign`: the fields of `OddCounter`; none: a normal one."""
    fields = {name: value for name, value in details.items() if name != "campaign"}
    if "without" in fields:
        fields["without"] = tuple(fields["without"])
    vendor.world.campaigns[details["campaign"]].odd_counter = OddCounter(**fields)
    return {}


def _act_later(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Do `action` (`POST withdraw`) with `details` before the `nth` (1) request for `path`."""
    method, _, name = details["action"].partition(" ")
    action, path, left = _ACTIONS[method, name], details["path"], int(details.get("nth", 1))

    def act(_: str, target: str) -> None:
        nonlocal left
        with vendor.world.lock:
            left -= path in target
            due = left == 0 and path in target
        if due:
            action(vendor, details.get("details", {}))

    vendor.world.before_request(act)
    return {}


def _add_campaign(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Add a campaign `name` of `account`, sent now or at `sent_at`, unless `sent` is false.

    With `contacts`, their opens are simulated with `seed`.
    """
    world = vendor.world
    account_id = details.get("account", "default")
    campaign = world.add_campaign(details.get("name", "Newsletter"), account_id=account_id)
    contacts, sent_at = int(details.get("contacts", 0)), _instant(details.get("sent_at"))
    rows = 0
    if contacts:
        seed = int(details.get("seed", 1))
        rows = simulate_send(world, campaign.activity_id, contacts, sent_at=sent_at, seed=seed)
    elif details.get("sent", True):
        world.send(campaign.activity_id, at=sent_at)
    return {"campaign": campaign.campaign_id, "activity": campaign.activity_id, "rows": rows}


def _resend(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Resend `campaign` to those who did not open: a new activity."""
    activity = vendor.world.resend(details["campaign"])
    return {"activity": activity.campaign_activity_id}


def _list_campaigns(vendor: Vendor, _: dict[str, Any]) -> list[dict[str, Any]]:
    """List the campaigns and their activities."""
    with vendor.world.lock:
        return [
            {
                "campaign": campaign.campaign_id,
                "account": campaign.account_id,
                "name": campaign.name,
                "activities": {
                    activity.campaign_activity_id: activity.role for activity in campaign.activities
                },
            }
            for campaign in vendor.world.campaigns.values()
        ]


def _list_requests(vendor: Vendor, details: dict[str, Any]) -> list[dict[str, Any]]:
    """List the requests whose path and query contain `path`, with their statuses."""
    path = details.get("path", "")
    return [
        request._asdict() | {"time": request.time.isoformat()}
        for request in list(vendor.requests)
        if path in request.path
    ]


def _clear_requests(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    """Empty the list of requests."""
    vendor.requests.clear()
    return {"requests": 0}


def _connect(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Connect `account`, and return its credentials."""
    return vendor.credentials(details.get("account", "default"))


def _expire(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    """Make every access token invalid."""
    vendor.authorization.expire_access_tokens()
    return {}


def _revoke(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    """Make every token invalid."""
    vendor.authorization.revoke()
    return {}


def _approve(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Consent to the device with `user_code`."""
    vendor.authorization.approve(details["user_code"])
    return {}


def _deny(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Deny consent to the device with `user_code`."""
    vendor.authorization.deny(details["user_code"])
    return {}


def _pending_devices(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    """List the user codes that were neither approved nor denied."""
    return {"user_codes": vendor.authorization.pending_user_codes()}


def _set_behaviour(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Set fields of `Behaviour` by name; a duration is in seconds."""
    unknown = details.keys() - _BEHAVIOUR.keys()
    if unknown:
        raise ValueError(f"unknown behaviour: {', '.join(sorted(unknown))}")
    values = {name: _BEHAVIOUR[name](value) for name, value in details.items()}
    for name, value in values.items():
        setattr(vendor.world.behaviour, name, value)
    return {}


def _set_limits(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Set fields of `Limits` by name: the limits, `turns_late` in seconds, `through_gateway`."""
    for name in details.keys() & _LIMITS.keys():
        setattr(vendor.limits, name, _LIMITS[name](details[name]))
    return {"spent": vendor.limits.spent}


def _move_clock(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Return the time; `seconds` first advances a clock that is moved by hand."""
    clock = vendor.world.clock
    if "seconds" in details:
        if not isinstance(clock, ManualClock):
            raise ValueError("only a ManualClock can be advanced")
        clock.advance(timedelta(seconds=float(details["seconds"])))
    return {"now": clock().isoformat()}


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)


def _limit(number: Any) -> int | None:
    return None if number is None else int(number)


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


_BEHAVIOUR: dict[str, Callable[[Any], Any]] = {
    "paging": Paging,
    "ties": Ties,
    "last_page": lambda names: tuple(LastPage(name) for name in names),
    "time_formats": lambda names: tuple(TimeFormat(name) for name in names),
    "unknown_fields": bool,
    "privileged": bool,
    "expired_link_status": int,
    "link_lifetime": _duration,
    "counters_stale_for": _duration,
}

_LIMITS: dict[str, Callable[[Any], Any]] = {
    "per_second": _limit,
    "per_day": _limit,
    "token_per_second": _limit,
    "turns_late": lambda seconds: timedelta(seconds=seconds),
    "through_gateway": bool,
}

_ACTIONS: dict[tuple[str, str], Callable[[Vendor, dict[str, Any]], Any]] = {
    ("POST", "faults"): _add_fault,
    ("GET", "faults"): _count_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "opens"): _add_opens,
    ("POST", "rows"): _add_raw_row,
    ("GET", "rows"): _count_rows,
    ("POST", "withdraw"): _withdraw,
    ("POST", "revise"): _revise,
    ("POST", "erase"): _erase,
    ("POST", "counter"): _set_counter,
    ("POST", "later"): _act_later,
    ("POST", "campaigns"): _add_campaign,
    ("GET", "campaigns"): _list_campaigns,
    ("POST", "resend"): _resend,
    ("GET", "requests"): _list_requests,
    ("DELETE", "requests"): _clear_requests,
    ("POST", "connect"): _connect,
    ("POST", "expire"): _expire,
    ("POST", "revoke"): _revoke,
    ("POST", "approve"): _approve,
    ("POST", "deny"): _deny,
    ("GET", "devices"): _pending_devices,
    ("POST", "behaviour"): _set_behaviour,
    ("POST", "limits"): _set_limits,
    ("POST", "clock"): _move_clock,
}
