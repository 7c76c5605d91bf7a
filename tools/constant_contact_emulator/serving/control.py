"""The control endpoint, for tests in other processes: JSON under `/_control/`.

`GET /_control/` lists the actions. A reply has the result, or an error with status 400.
"""

from http import HTTPStatus
from json import JSONDecodeError, loads
from typing import Any

from constant_contact_emulator.messages import Reply, Request
from constant_contact_emulator.serving import vendor_actions, world_actions
from constant_contact_emulator.serving.vendor import Vendor

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


_ACTIONS = {
    **world_actions.ACTIONS,
    **vendor_actions.ACTIONS,
    ("POST", "later"): _act_later,
}
