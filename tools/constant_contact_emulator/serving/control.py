"""The control endpoint, for tests in other processes: JSON under `/_control/`."""

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from json import JSONDecodeError, loads
from typing import Any

from constant_contact_emulator.messages import Reply, Request
from constant_contact_emulator.serving.vendor import Vendor
from constant_contact_emulator.world.behaviour import LastPage, Paging, Ties, TimeFormat
from constant_contact_emulator.world.clocks import ManualClock
from constant_contact_emulator.world.instants import parse_instant
from constant_contact_emulator.world.report import Contact
from constant_contact_emulator.world.send import simulate_send

PREFIX = "/_control/"


def control(vendor: Vendor, request: Request) -> Reply:
    """Answer a request to the control endpoint; an invalid one gets a 400 with the error."""
    action = _ACTIONS.get((request.method, request.path.removeprefix(PREFIX)))
    if action is None:
        actions = sorted(f"{method} {PREFIX}{name}" for method, name in _ACTIONS)
        return Reply(HTTPStatus.NOT_FOUND, {"known": actions})
    try:
        details = loads(request.body) if request.body else {}
        return Reply(payload=action(vendor, request.query | details))
    except (JSONDecodeError, KeyError, TypeError, ValueError) as error:
        message = f"{type(error).__name__}: {error}"
        return Reply(HTTPStatus.BAD_REQUEST, {"error": message})


def _add_fault(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    vendor.faults.add(**details)
    return {"faults": len(vendor.faults)}


def _clear_faults(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    vendor.faults.clear()
    return {"faults": 0}


def _count_faults(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    return {"faults": len(vendor.faults)}


def _add_opens(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
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
            )
    return _count_rows(vendor, details)


def _add_raw_row(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    at = _instant(details.get("at"))
    vendor.world.add_raw_row(details["activity"], details["row"], at=at)
    return _count_rows(vendor, details)


def _count_rows(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    return {"rows": vendor.world.count_rows(details["activity"])}


def _withdraw(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    contact_id = details.get("contact_id")
    withdrawn = vendor.world.withdraw(
        details["activity"],
        lambda row: contact_id is None or row.contact.contact_id == contact_id,
        at_most=int(details.get("at_most", 1)),
    )
    return {"withdrawn": withdrawn}


def _add_campaign(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
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
    activity = vendor.world.resend(details["campaign"])
    return {"activity": activity.campaign_activity_id}


def _list_campaigns(vendor: Vendor, _: dict[str, Any]) -> list[dict[str, Any]]:
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
    path = details.get("path", "")
    return [
        request._asdict() | {"time": request.time.isoformat()}
        for request in list(vendor.requests)
        if path in request.path
    ]


def _clear_requests(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    vendor.requests.clear()
    return {"requests": 0}


def _connect(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    return vendor.credentials(details.get("account", "default"))


def _expire(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    vendor.authorization.expire_access_tokens()
    return {}


def _revoke(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    vendor.authorization.revoke()
    return {}


def _approve(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    vendor.authorization.approve(details["user_code"])
    return {}


def _deny(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    vendor.authorization.deny(details["user_code"])
    return {}


def _pending_devices(vendor: Vendor, _: dict[str, Any]) -> dict[str, Any]:
    return {"user_codes": vendor.authorization.pending_user_codes()}


def _set_behaviour(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    unknown = details.keys() - _BEHAVIOUR.keys()
    if unknown:
        raise ValueError(f"unknown behaviour: {', '.join(sorted(unknown))}")
    values = {name: _BEHAVIOUR[name](value) for name, value in details.items()}
    for name, value in values.items():
        setattr(vendor.world.behaviour, name, value)
    return {}


def _set_limits(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    for name in details.keys() & {"per_second", "per_day", "token_per_second"}:
        setattr(vendor.limits, name, None if details[name] is None else int(details[name]))
    return {"spent": vendor.limits.spent}


def _move_clock(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    clock = vendor.world.clock
    if "seconds" in details:
        if not isinstance(clock, ManualClock):
            raise ValueError("only a ManualClock can be advanced")
        clock.advance(timedelta(seconds=float(details["seconds"])))
    return {"now": clock().isoformat()}


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)


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

_ACTIONS: dict[tuple[str, str], Callable[[Vendor, dict[str, Any]], Any]] = {
    ("POST", "faults"): _add_fault,
    ("GET", "faults"): _count_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "opens"): _add_opens,
    ("POST", "rows"): _add_raw_row,
    ("GET", "rows"): _count_rows,
    ("POST", "withdraw"): _withdraw,
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
