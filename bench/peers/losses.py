"""What each client loses and repeats in the worlds."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import sleep

from bench.peers.contenders import Client, Feed
from bench.peers.counting import Difference, difference
from bench.peers.emulator import EmulatedVendor
from bench.peers.processes import kill_reading, kill_writing, poll
from bench.peers.worlds import (
    Appear,
    Poll,
    PollKilledReading,
    PollKilledWriting,
    Row,
    Step,
    Wait,
    World,
)

type Losses = Mapping[str, Difference]
"""By world."""


@dataclass(frozen=True, slots=True)
class Play:
    """A world, as one client sees it: the rows are the same for each, the report is its own."""

    client: Client
    feed: Feed
    begins: datetime

    def step(self, step: Step) -> None:
        vendor, activity_id = self.feed.vendor, self.feed.activity_id
        match step:
            case Appear(rows):
                vendor.add(activity_id, [row.key(self.begins) for row in rows])
            case Poll(meanwhile):
                for nth, rows in meanwhile.items():
                    keys = [row.key(self.begins) for row in rows]
                    vendor.add_before(nth, activity_id, keys)
                poll(self.client, self.feed)
            case PollKilledReading(nth):
                kill_reading(self.client, self.feed, nth)
            case PollKilledWriting(lines):
                kill_writing(self.client, self.feed, lines)
            case Wait():
                pass

    def outcome(self, rows: Sequence[Row]) -> Difference:
        if self.feed.vendor.count_rows(self.feed.activity_id) != len(rows):
            raise RuntimeError(f"Not all rows of the world appeared to {self.client.name}.")
        keys = (row.key(self.begins) for row in rows)
        return difference(keys, self.client.lines(self.feed))


def play(
    world: World, clients: Sequence[Client], vendor: EmulatedVendor, folder: Path
) -> list[Difference]:
    """Play a world with each client, step by step, so that all wait at the same time."""
    now = datetime.now(UTC)
    if world.begins_with_a_minute:
        sleep(60 - now.second)  # The rows of the minute must appear before it is over.
        now = datetime.now(UTC)
    begins = now.replace(second=0, microsecond=0)
    rows = list(world.rows())
    sent_at = min(row.key(begins).created for row in rows)
    plays = []
    for number, client in enumerate(clients):
        feed = Feed(vendor, vendor.add_activity(sent_at, world.ties), folder / str(number))
        feed.prepare()
        plays.append(Play(client, feed, begins))
    for step in world.steps:
        if isinstance(step, Wait):
            print(f"waiting for {step.minutes} minutes", file=sys.stderr)
            sleep(step.minutes * 60)  # The clients' clocks are real: what is due later is due then.
        for played in plays:
            played.step(step)
    return [played.outcome(rows) for played in plays]


def losses(
    worlds: Mapping[str, World], clients: Sequence[Client], vendor: EmulatedVendor, folder: Path
) -> Mapping[str, Losses]:
    """Return the losses of each client, by its name."""
    found: dict[str, dict[str, Difference]] = {client.name: {} for client in clients}
    for number, (name, world) in enumerate(worlds.items()):
        print(f"world: {name}", file=sys.stderr)
        outcomes = play(world, clients, vendor, folder / str(number))
        for client, outcome in zip(clients, outcomes, strict=True):
            found[client.name][name] = outcome
    return found
