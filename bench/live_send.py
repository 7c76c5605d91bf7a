"""A send that a deployed stack polls in real time while it is opened."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bench.figures import Figure
from constant_contact_emulator import Emulator
from constant_contact_emulator.world.world import World
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.model import Activity
from embedded_aws import EmbeddedAws, Stack, build
from tests.e2e.trial import ACCOUNT, parameters

STARTS_WITHIN_SECONDS = 60
"""The schedule fires, and the functions start."""


@dataclass(frozen=True, slots=True)
class LiveSend:
    """A tracked send, without opens yet."""

    world: World
    activity_id: str
    stack: Stack

    def open(self, opens: int, every_seconds: float) -> dict[str, float]:
        """Open the send at random instants; return when each contact's row appeared.

        The instants are those of `time.monotonic`.
        """
        # The stack gives no notice of its schedule's first turn.
        time.sleep(STARTS_WITHIN_SECONDS)
        appeared, random = {}, Random(1)
        for number in range(opens):
            row = self.world.add_open(self.activity_id, number)
            appeared[row.contact.contact_id] = time.monotonic()
            # The stack polls in real time, so the opens come in real time.
            time.sleep(random.expovariate(1 / every_seconds))
        return appeared


def deploy(aws: EmbeddedAws, vendor: Emulator, name: str, folder: Path, **others: str) -> LiveSend:
    """Deploy a stack that does not search for sends, and track a send that is fresh."""
    aws.client("ssm").put_parameter(
        Name=f"/{name}/{ACCOUNT}",
        Type="SecureString",
        Value=json.dumps(vendor.credentials(ACCOUNT)),
    )
    stack = aws.deploy(build(folder), name, parameters(vendor, Discovery="DISABLED", **others))
    campaign = vendor.world.add_campaign("March news")
    vendor.world.send(campaign.activity_id)
    now = datetime.now(UTC)
    DynamoDBTracking(aws.client("dynamodb"), stack.environment["TRACKING_TABLE"]).add(
        Activity(
            account_id=ACCOUNT,
            campaign_activity_id=campaign.activity_id,
            campaign_name="March news",
            sent_at=now,
            tracked_at=now - timedelta(minutes=1),
        )
    )
    return LiveSend(vendor.world, campaign.activity_id, stack)


def wait_for(arrived: Callable[[], Mapping[str, float]], opens: int, most_seconds: float) -> None:
    """Wait until so many opens have arrived, or for `most_seconds`."""
    deadline = time.monotonic() + most_seconds
    while len(arrived()) < opens and time.monotonic() < deadline:
        time.sleep(0.5)  # Threads of their own note the arrivals.


def delays(
    appeared: Mapping[str, float], arrived: Mapping[str, float], repeats: int
) -> list[float]:
    """Return the delay of each open in seconds.

    Raises:
        SystemExit: an open did not arrive, or arrived again.
    """
    missing = appeared.keys() - arrived.keys()
    if missing or repeats:
        raise SystemExit(f"{len(missing)} opens did not arrive, and {repeats} arrived again.")
    return [arrived[contact] - at for contact, at in appeared.items()]


def figure(name: str, seconds: float, most_seconds: float) -> Figure:
    """Return a delay beside its target."""
    return Figure(name, f"{seconds:.1f} s", f"≤ {most_seconds:g} s", seconds <= most_seconds)
