"""A simulated send: many opens in the first hours, then ever fewer."""

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
    """How people open. With these shares a send has some 1.0 rows for each contact."""

    opening: float = 0.55
    """Share of the contacts who open at all."""
    again: float = 0.42
    """Chance that an open is followed by another of the same contact."""
    identical: float = 0.02
    """Chance that an open is there twice, alike in everything."""
    without_device: float = 0.05
    """Share of the rows without a `device_type`."""
    late: float = 0.0
    """Share of the rows that reach the report late."""
    late_by: timedelta = timedelta(hours=1)
    """The latest that a late row comes after its time."""
    within: timedelta = timedelta(days=30)
    """No opens come after that."""
    grain: timedelta = timedelta(minutes=1)
    """`created_time` is cut to whole ones of this."""


def simulate_send(
    world: World,
    activity_id: str,
    contacts: int,
    *,
    sent_at: datetime | None = None,
    seed: int = 1,
    send: Send | None = None,
) -> int:
    """Send an activity and add all its opens, which appear as the world's clock reaches them.

    Returns the number of rows that there will be. Sent in the past, its rows are there at once.
    """
    how = send or Send()
    random = Random(seed)  # noqa: S311
    when = (sent_at or world.clock()).astimezone(UTC)
    rows = []
    devices, weights = list(_DEVICES), list(_DEVICES.values())
    for contact in world.contacts(contacts):
        if random.random() >= how.opening:
            continue
        device = random.choices(devices, weights)[0]
        while True:
            opened = when + _delay(random, how.within)
            shown = opened
            if how.late and random.random() < how.late:
                shown += how.late_by * random.random()
            named = None if random.random() < how.without_device else device
            created = _cut(opened, how.grain)
            rows.append(Row(contact, created, named, shown))
            if random.random() < how.identical:
                rows.append(Row(contact, created, named, shown))
            if random.random() >= how.again:
                break
    world.send(activity_id, at=when, contacts=contacts)
    world.add_rows(activity_id, rows)
    return len(rows)


def _delay(random: Random, within: timedelta) -> timedelta:
    """Draw from a density that falls as (1 + t/3 h)^-1.6, cut off at `within`."""
    power = 1 - _DECAY
    reached: float = 1 - (1 + within / _SCALE) ** power
    times: float = (1 - random.random() * reached) ** (1 / power) - 1
    return _SCALE * times


def _cut(instant: datetime, grain: timedelta) -> datetime:
    if grain == timedelta(minutes=1):
        return instant.replace(second=0, microsecond=0)
    return instant - (instant - datetime.min.replace(tzinfo=UTC)) % grain
