"""Manners of the vendor's reports and counters, as actions: each goes on until it is mended."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from constant_contact_emulator import ODD_FIELDS, Fault, Kind, OddCounter, Raw, Row
from tests.simulation.actions import activity_id_of, withdraw
from tests.simulation.rules import vendor_row_key
from tests.simulation.simulation import START, Simulation

REFUSALS: dict[str, dict[str, Any]] = {
    "unauthorized": {"kind": Kind.UNAUTHORIZED},
    "forbidden": {"kind": Kind.FORBIDDEN},
    "forbidden by the gateway": {"kind": Kind.GATEWAY},
    "missing token": {"kind": Kind.GATEWAY, "body": {"message": "Missing Authentication Token"}},
    "forbidden by the CDN": {"kind": Kind.HTML, "status": 403},
    "not found": {"kind": Kind.STATUS, "status": 404},
    "not found by the gateway": {"kind": Kind.GATEWAY, "status": 404},
    "bad request": {"kind": Kind.STATUS, "status": 400},
    "gone": {"kind": Kind.STATUS, "status": 410},
    "unprocessable": {"kind": Kind.STATUS, "status": 422},
    "redirect": {"kind": Kind.STATUS, "status": 302, "headers": {"Location": "/elsewhere"}},
    "server error": {"kind": Kind.STATUS, "status": 500},
    "unavailable": {"kind": Kind.HTML, "status": 503},
    "not JSON": {"kind": Kind.HTML, "status": 200},
    "cut": {"kind": Kind.CUT},
    "dropped": {"kind": Kind.DROP},
    "slow": {"kind": Kind.HANG, "seconds": 11},
    "slower than an invocation": {"kind": Kind.HANG, "seconds": 70},
}
"""Replies that a request may get each time, by name."""
LINK_REFUSALS = tuple(name for name in REFUSALS if name != "slower than an invocation")
"""A killed invocation cannot note that a link is slow; a request ends by its deadline."""
ABOUT_THE_ACCOUNT = ("unauthorized", "forbidden", "forbidden by the gateway", "missing token",
                     "forbidden by the CDN")  # fmt: skip
"""Refusals that stop the account, if the vendor's privileges say so."""
ASTRAY = (Kind.ENDLESS_LINK, Kind.ENDLESS_EMPTY_PAGES, Kind.OTHER_LINK, Kind.LOOP_LINK,
          Kind.FOREIGN_LINK)  # fmt: skip
ODD_COUNTERS: dict[str, OddCounter] = {
    "null": OddCounter(stats={"em_opens_all": None}),
    "text": OddCounter(stats={"em_opens_all": "9"}),
    "float": OddCounter(stats={"em_opens_all": 9.5}),
    "negative": OddCounter(stats={"em_opens_all": -1}),
    "huge": OddCounter(stats={"em_opens_all": 10**30}),
    "moved back": OddCounter(stats={"em_opens_all": 0}),
    "missing": OddCounter(without=("em_opens_all",)),
    "never refreshed": OddCounter(without=("last_refresh_time",)),
    "of the year 1": OddCounter(last_refresh_time="0001-01-01T00:00:00Z"),
    "of the year 9999": OddCounter(last_refresh_time="9999-12-31T23:59:59Z"),
    "in errors": OddCounter(in_errors=True),
}
ODD_ROWS = tuple(ODD_FIELDS)
RAW_ROWS = (b'{"contact_id":\xff}', b'{"contact_id":}', b"nul", b'"a row"', b"[1]", b"\x01", b"")
"""Their brackets are paired: after an odd one no reader could tell where the next row begins."""


@dataclass(frozen=True, slots=True)
class RefuseActivity:
    """Every request for the report of one activity gets the same reply."""

    activity: int
    refusal: str

    def apply(self, simulation: Simulation) -> None:
        activity_id = activity_id_of(simulation, self.activity)
        if activity_id in simulation.trouble.unread:
            return
        simulation.vendor.faults.add(
            path=f"{activity_id}/tracking", times=None, **REFUSALS[self.refusal]
        )
        simulation.trouble.unread.add(activity_id)
        if self.refusal in ABOUT_THE_ACCOUNT:
            simulation.trouble.about_one_activity = True
        if self.refusal == "not found":
            simulation.trouble.unknown.add(activity_id)


@dataclass(frozen=True, slots=True)
class RefuseLinks:
    """Every next link of an activity below a row gets the same reply; its head is well."""

    activity: int
    refusal: str
    below_row: int

    def apply(self, simulation: Simulation) -> None:
        simulation.vendor.faults.add(
            path=f"{activity_id_of(simulation, self.activity)}/tracking",
            times=None,
            below_row=self.below_row,
            **REFUSALS[self.refusal],
        )
        if self.refusal in ABOUT_THE_ACCOUNT:
            simulation.trouble.about_one_activity = True


@dataclass(frozen=True, slots=True)
class LeadAstray:
    """Every next link of an activity below a row leads nowhere, or round in a circle."""

    activity: int
    kind: Kind
    below_row: int

    def apply(self, simulation: Simulation) -> None:
        other = activity_id_of(simulation, self.activity + 1)
        activity_id = activity_id_of(simulation, self.activity)
        fault = Fault(kind=self.kind).activity if other == activity_id else other
        simulation.vendor.faults.add(
            self.kind,
            path=f"{activity_id}/tracking",
            times=None,
            below_row=self.below_row,
            activity=fault,
        )


@dataclass(frozen=True, slots=True)
class AddOddRow:
    """A good open appears with a field that is odd and not used."""

    activity: int
    contact: int
    odd: str

    def apply(self, simulation: Simulation) -> None:
        world = simulation.vendor.world
        activity_id = activity_id_of(simulation, self.activity)
        created = simulation.clock()
        created -= (created - START) % simulation.setting.grain
        contact = world.contacts(self.contact + 1)[self.contact]
        row = Row(contact, created, None, simulation.clock(), ODD_FIELDS[self.odd])
        world.add_rows(activity_id, [row])
        simulation.rules.a_row_appeared(vendor_row_key(activity_id, row))


@dataclass(frozen=True, slots=True)
class AddRawRow:
    """Bytes appear in place of a row that are no JSON, or not an object."""

    activity: int
    raw: bytes

    def apply(self, simulation: Simulation) -> None:
        activity_id = activity_id_of(simulation, self.activity)
        simulation.vendor.world.add_raw_row(activity_id, Raw(self.raw))


@dataclass(frozen=True, slots=True)
class ReviseRows:
    """The vendor revises the newest rows: a device is filled in, an instant refined."""

    activity: int
    count: int
    device_type: str | None
    later: timedelta

    def apply(self, simulation: Simulation) -> None:
        activity_id = activity_id_of(simulation, self.activity)

        def seen(row: Row) -> bool:
            if row.raw is None:
                simulation.rules.a_row_was_withdrawn(vendor_row_key(activity_id, row))
            return row.raw is None

        for row in simulation.vendor.world.revise(
            activity_id, seen, device_type=self.device_type, later=self.later, at_most=self.count
        ):
            simulation.rules.a_row_appeared(vendor_row_key(activity_id, row))


@dataclass(frozen=True, slots=True)
class EraseContact:
    """A contact is erased: its rows lose their address."""

    contact: int

    def apply(self, simulation: Simulation) -> None:
        world = simulation.vendor.world
        world.erase(world.contacts(self.contact + 1)[self.contact].contact_id)


@dataclass(frozen=True, slots=True)
class WithdrawBetweenPages:
    """Rows are withdrawn while a report is read by offset: others slip over a border."""

    activity: int
    count: int

    def apply(self, simulation: Simulation) -> None:
        pending = [self]

        def vanish(_: str, target: str) -> None:
            if pending and "next=" in target:
                pending.clear()
                withdraw(simulation, self.activity, self.count)

        simulation.vendor.world.before_request(vanish)


@dataclass(frozen=True, slots=True)
class MakeCounterOdd:
    """The counter of a campaign is none, or nonsense."""

    activity: int
    odd: str

    def apply(self, simulation: Simulation) -> None:
        world = simulation.vendor.world
        activity = world.activities[activity_id_of(simulation, self.activity)]
        world.campaigns[activity.campaign_id].odd_counter = ODD_COUNTERS[self.odd]
        simulation.trouble.odd_counters = True
