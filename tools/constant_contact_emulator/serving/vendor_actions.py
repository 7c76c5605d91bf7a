"""Actions of the control endpoint on how the vendor answers: faults, access, limits, behaviour."""

from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from constant_contact_emulator.serving.vendor import Vendor
from constant_contact_emulator.world.behaviour import LastPage, Paging, Ties, TimeFormat
from constant_contact_emulator.world.clocks import ManualClock


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

ACTIONS: dict[tuple[str, str], Callable[[Vendor, dict[str, Any]], Any]] = {
    ("POST", "faults"): _add_fault,
    ("GET", "faults"): _count_faults,
    ("DELETE", "faults"): _clear_faults,
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
