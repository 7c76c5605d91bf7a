"""A simulated send: many opens in the first hours, then fewer and fewer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from constant_contact_emulator.world.report import Row
from constant_contact_emulator.world.world import World

_SCALE = timedelta(hours=3)
_DECAY = 1.6
_DEVICES = {"computer": 0.42, "mobile": 0.47, "tablet": 0.06, "other": 0.05}


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """How contacts open. The defaults give about one row for each contact."""

    opening: float = 0.55
    """Share of the contacts who open at least once."""
    again: float = 0.42
    """Probability that an open is followed by another of the same contact."""
    identical: float = 0.02
    """Probability that an open has two identical rows."""
    without_device: float = 0.05
    """Share of the rows without a `device_type`."""
    late: float = 0.0
    """Share of the rows that appear late."""
    late_by: timedelta = timedelta(hours=1)
    """The longest delay of a late row."""
    within: timedelta = timedelta(days=30)
    """All opens happen within this time after the send."""
    grain: timedelta = timedelta(minutes=1)
    """`created_time` is rounded down to a multiple of this."""


def simulate_send(
    world: World,
    activity_id: str,
    contacts: int,
    *,
    sent_at: datetime | None = None,
    seed: int = 1,
    send: Send | None = None,
) -> int:
    """Send an activity and add all its opens, each of which appears at its own time.

    Returns the number of rows, including those that are yet to appear.
    """
    send = send or Send()
    random = Random(seed)  # noqa: S311
    sent_at = (sent_at or world.clock()).astimezone(UTC)
    rows = []
    devices, weights = list(_DEVICES), list(_DEVICES.values())
    for contact in world.contacts(contacts):
        if random.random() >= send.opening:
            continue
        device = random.choices(devices, weights)[0]
        while True:
            opened = sent_at + _delay(random, send.within)
            visible_from = opened
            if send.late and random.random() < send.late:
                visible_from += send.late_by * random.random()
            device_type = None if random.random() < send.without_device else device
            created = _round_down(opened, send.grain)
            rows.append(Row(contact, created, device_type, visible_from))
            if random.random() < send.identical:
                rows.append(Row(contact, created, device_type, visible_from))
            if random.random() >= send.again:
                break
    world.send(activity_id, at=sent_at, contacts=contacts)
    world.add_rows(activity_id, rows)
    return len(rows)


def _delay(random: Random, within: timedelta) -> timedelta:
    """Draw from a density that falls as (1 + t/3 h)^-1.6 and ends at `within`."""
    power = 1 - _DECAY
    share: float = 1 - (1 + within / _SCALE) ** power
    times: float = (1 - random.random() * share) ** (1 / power) - 1
    return _SCALE * times


def _round_down(instant: datetime, grain: timedelta) -> datetime:
    if grain == timedelta(minutes=1):
        return instant.replace(second=0, microsecond=0)
    return instant - (instant - datetime.min.replace(tzinfo=UTC)) % grain
