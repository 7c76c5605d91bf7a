"""Opens lost and repeated: the lines of a client beside the rows of the report. Pure."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple


class OpenKey(NamedTuple):
    """What two rows have in common that are alike."""

    contact_id: str
    created: datetime
    device_type: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    lost: int
    repeated: int

    def __add__(self, other: "Difference") -> "Difference":
        return Difference(self.lost + other.lost, self.repeated + other.repeated)


def open_of(line: str) -> OpenKey | None:
    """Return the open in a line of any client; None: it has none, or was cut off by a kill."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    row = _row(message) if isinstance(message, dict) else None
    if row is None:
        return None
    created = datetime.fromisoformat(row["created_time"])
    return OpenKey(row["contact_id"], created, row.get("device_type"))


def difference(rows: Iterable[OpenKey], lines: Iterable[str]) -> Difference:
    """Compare as multisets: two rows that are alike are two opens."""
    reported = Counter(rows)
    written = Counter(key for key in map(open_of, lines) if key is not None)
    return Difference((reported - written).total(), (written - reported).total())


def last_state(lines: Iterable[str]) -> dict[str, Any] | None:
    """Return the last message in a client's output that carries its state."""
    state = None
    for line in lines:
        if '"STATE"' not in line:
            continue
        try:
            message = json.loads(line)
        except ValueError:  # Cut off by a kill.
            continue
        if message.get("type") == "STATE":
            state = message
    return state


def _row(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row in a message of Singer or Airbyte, in a CloudEvent, or by itself."""
    record = message.get("record")
    candidates = (message, record, message.get("data"), (record or {}).get("data"))
    return next((row for row in candidates if row and "contact_id" in row), None)
