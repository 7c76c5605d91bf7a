"""What a first read and idle polls take."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from itertools import count
from operator import add
from pathlib import Path

from bench.peers.contenders import Client, Feed
from bench.peers.counting import Difference, difference
from bench.peers.emulator import EmulatedVendor
from bench.peers.processes import Usage, poll
from bench.peers.worlds import steadily

IDLE_POLLS = 5
_WARM_UP_ROWS = 10
_MINUTES = 30 * 24 * 60
_QUIET_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Cost:
    """One run."""

    first_read: Usage
    idle: Usage
    """Of all idle polls together; the peak is that of one."""
    difference: Difference


def costs(
    rows: int, runs: int, clients: Sequence[Client], vendor: EmulatedVendor, folder: Path
) -> Mapping[str, list[Cost]]:
    """Return the costs of each client by its name; the clients take turns."""
    _measure(_WARM_UP_ROWS, clients, vendor, folder / "warm-up", idle_polls=1)
    measured: dict[str, list[Cost]] = {client.name: [] for client in clients}
    for run in range(runs):
        for name, cost in _measure(rows, clients, vendor, folder / str(run), IDLE_POLLS).items():
            measured[name].append(cost)
    return measured


def _measure(
    rows: int, clients: Sequence[Client], vendor: EmulatedVendor, folder: Path, idle_polls: int
) -> dict[str, Cost]:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    keys = [row.key(now) for row in steadily(count(), rows, _MINUTES, newest=_QUIET_MINUTES)]
    activity_id = vendor.add_activity(sent_at=min(key.created for key in keys))
    vendor.add(activity_id, keys)
    feeds = {client: Feed(vendor, activity_id, folder / client.name) for client in clients}
    for feed in feeds.values():
        feed.prepare()
    first_reads = _poll_each(feeds)
    idle = [_poll_each(feeds) for _ in range(idle_polls)]
    return {
        client.name: Cost(
            first_reads[client],
            reduce(add, (usages[client] for usages in idle)),
            difference(keys, client.lines(feed)),
        )
        for client, feed in feeds.items()
    }


def _poll_each(feeds: Mapping[Client, Feed]) -> dict[Client, Usage]:
    usages = {}
    for client, feed in feeds.items():
        print(f"{feed.folder.parent.name}: {client.name}", file=sys.stderr)
        usages[client] = poll(client, feed)
    return usages
