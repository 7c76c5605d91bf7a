"""Pages and next links of the opens report: by offset, by key, or from a snapshot."""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

from constant_contact_emulator.messages import Raw
from constant_contact_emulator.world.behaviour import LastPage, Paging, Ties, TimeFormat
from constant_contact_emulator.world.instants import format_instant
from constant_contact_emulator.world.report import Report, Row, page_rows, shuffled_page_rows
from constant_contact_emulator.world.world import World

MAX_LIMIT = 500
_SNAPSHOTS = 64


class BadLink(Exception):
    """A next link that cannot be read, or is too old."""


@dataclass(frozen=True, slots=True)
class Position:
    """The content of a next link."""

    limit: int
    offset: int = 0
    """Rows above the page."""
    below: int | None = None
    snapshot: int | None = None
    issued: int | None = None
    """Unix seconds, if links expire."""

    def to_link(self) -> str:
        values = [("limit", self.limit), ("o", self.offset), ("k", self.below)]
        values += [("s", self.snapshot), ("t", self.issued)]
        return encode_link({name: value for name, value in values if value is not None})

    @classmethod
    def from_link(cls, link: str) -> Self:
        texts = decode_link(link)
        try:
            numbers = {name: int(text) for name, text in texts.items()}
            position = cls(
                numbers["limit"],
                numbers.get("o", 0),
                numbers.get("k"),
                numbers.get("s"),
                numbers.get("t"),
            )
        except (KeyError, ValueError) as error:
            raise BadLink from error
        if not 1 <= position.limit <= MAX_LIMIT or position.offset < 0:
            raise BadLink
        return position


def encode_link(values: Mapping[str, int | str]) -> str:
    return base64.urlsafe_b64encode(urlencode(values).encode()).decode().rstrip("=")


def decode_link(link: str) -> dict[str, str]:
    try:
        padded = link + "=" * (-len(link) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise BadLink from error
    return dict(parse_qsl(text))


class Pages:
    """Divides reports into pages, in the vendor's JSON."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._snapshots: OrderedDict[int, list[Row]] = OrderedDict()
        self._snapshot_of: dict[tuple[str, int], int] = {}
        self._snapshot_count = 0
        self._page_count = 0
        self._last_page_count = 0

    def page(self, activity_id: str, position: Position) -> dict[str, Any]:
        """Return the JSON of one page of a report; raise `BadLink` if the position expired."""
        behaviour = self._world.behaviour
        with self._world.lock:
            self._page_count += 1
            self._refuse_expired(position)
            report = self._world.report(activity_id)
            rows, following = self._slice(activity_id, report, position)
            if following and behaviour.link_lifetime is not None:
                issued = int(self._world.clock().timestamp())
                following = replace(following, issued=issued)
            forms = behaviour.time_formats
            first = self._page_count - 1
        reply: dict[str, Any] = {
            "tracking_activities": [
                format_row(row, activity_id, forms[(first + place) % len(forms)])
                for place, row in enumerate(rows)
            ]
        }
        if behaviour.unknown_fields:
            reply["report_version"] = "3.7"
            for row in reply["tracking_activities"]:
                if isinstance(row, dict):
                    row["opened_through"] = {"proxy": None, "engines": ["unknown"]}
        href = None
        if following:
            path = f"/v3/reports/email_reports/{activity_id}/tracking/opens"
            href = f"{path}?next={following.to_link()}"
        self.add_links(reply, href)
        return reply

    def add_links(self, reply: dict[str, Any], href: str | None) -> None:
        """Add a next link, or one of the vendor's forms of its absence."""
        if href is not None:
            reply["_links"] = {"next": {"href": href}}
            return
        with self._world.lock:
            forms = self._world.behaviour.last_page
            form = forms[self._last_page_count % len(forms)]
            self._last_page_count += 1
        match form:
            case LastPage.NO_LINKS:
                pass
            case LastPage.NULL_LINKS:
                reply["_links"] = None
            case LastPage.NO_NEXT:
                reply["_links"] = {}
            case LastPage.NULL_NEXT:
                reply["_links"] = {"next": None}
            case LastPage.NULL_HREF:
                reply["_links"] = {"next": {"href": None}}

    def _refuse_expired(self, position: Position) -> None:
        lifetime = self._world.behaviour.link_lifetime
        if lifetime is not None and position.issued is not None:
            age_seconds = self._world.clock().timestamp() - position.issued
            if age_seconds > lifetime.total_seconds():
                raise BadLink

    def _slice(
        self, activity_id: str, report: Report, position: Position
    ) -> tuple[list[Row], Position | None]:
        limit = position.limit
        behaviour = self._world.behaviour
        rows, offset = report.rows, position.offset
        snapshot = position.snapshot
        if snapshot is not None:
            if snapshot not in self._snapshots:
                raise BadLink
            rows = self._snapshots[snapshot]
        elif position.below is not None:
            offset = len(rows) - report.count_below(position.below)
        if behaviour.ties is Ties.SHUFFLED and behaviour.paging is not Paging.KEYSET:
            shown = shuffled_page_rows(rows, offset, limit, self._world.random)
        else:
            shown = page_rows(rows, offset, limit)
        if offset + limit >= len(rows):
            return shown, None
        if snapshot is not None:
            return shown, Position(limit, offset + limit, snapshot=snapshot)
        match behaviour.paging:
            case Paging.OFFSET:
                return shown, Position(limit, offset + limit)
            case Paging.KEYSET:
                return shown, Position(limit, offset + limit, below=shown[-1].key)
            case Paging.SNAPSHOT:
                number = self._snapshot(activity_id, report)
                return shown, Position(limit, offset + limit, snapshot=number)

    def _snapshot(self, activity_id: str, report: Report) -> int:
        state = (activity_id, report.changes)
        number = self._snapshot_of.get(state)
        if number is None or number not in self._snapshots:
            self._snapshot_count += 1
            number = self._snapshot_count
            self._snapshot_of[state] = number
            self._snapshots[number] = list(report.rows)
            if len(self._snapshots) > _SNAPSHOTS:
                self._snapshots.popitem(last=False)
        return number


def format_row(row: Row, activity_id: str, form: TimeFormat) -> dict[str, Any] | Raw:
    """Return the JSON of a row."""
    if row.raw is not None:
        return row.raw if isinstance(row.raw, Raw) else dict(row.raw)
    contact = row.contact
    fields: dict[str, Any] = {
        "contact_id": contact.contact_id,
        "campaign_activity_id": activity_id,
        "tracking_activity_type": "em_opens",
    }
    if contact.email_address is not None:
        fields["email_address"] = contact.email_address
    if contact.first_name is not None:
        fields["first_name"] = contact.first_name
    if contact.last_name is not None:
        fields["last_name"] = contact.last_name
    if row.device_type is not None:
        fields["device_type"] = row.device_type
    fields["created_time"] = format_instant(row.created, form)
    return fields | dict(row.extra)
