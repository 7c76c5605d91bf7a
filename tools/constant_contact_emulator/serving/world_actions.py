"""Actions of the control endpoint on the world: campaigns, their opens and their counters."""

from base64 import b64decode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from constant_contact_emulator.messages import Raw
from constant_contact_emulator.serving.vendor import Vendor
from constant_contact_emulator.world.campaigns import OddCounter
from constant_contact_emulator.world.instants import parse_instant
from constant_contact_emulator.world.oddities import ODD_FIELDS
from constant_contact_emulator.world.report import Contact, Row
from constant_contact_emulator.world.send import simulate_send


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


def _schedule(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Schedule `activity` for `at`, or the resend of `campaign`; without `at`, unschedule it."""
    at = _instant(details.get("at"))
    if "campaign" in details:
        vendor.world.schedule_resend(details["campaign"], at)
    else:
        vendor.world.schedule(details["activity"], at)
    return {}


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


def _set_counter(vendor: Vendor, details: dict[str, Any]) -> dict[str, Any]:
    """Set the odd counter of `campaign`: the fields of `OddCounter`; none: a normal one."""
    fields = {name: value for name, value in details.items() if name != "campaign"}
    if "without" in fields:
        fields["without"] = tuple(fields["without"])
    vendor.world.campaigns[details["campaign"]].odd_counter = OddCounter(**fields)
    return {}


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


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)


ACTIONS: dict[tuple[str, str], Callable[[Vendor, dict[str, Any]], Any]] = {
    ("POST", "opens"): _add_opens,
    ("POST", "rows"): _add_raw_row,
    ("GET", "rows"): _count_rows,
    ("POST", "withdraw"): _withdraw,
    ("POST", "revise"): _revise,
    ("POST", "erase"): _erase,
    ("POST", "counter"): _set_counter,
    ("POST", "campaigns"): _add_campaign,
    ("GET", "campaigns"): _list_campaigns,
    ("POST", "resend"): _resend,
    ("POST", "schedule"): _schedule,
}
