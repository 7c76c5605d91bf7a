"""How soon an open is in the chat: `python -m bench.alert_delay`, about six minutes.

The built stack runs on the emulated AWS with its own schedule, and polls the emulated vendor in
real time; a send is opened about once in two seconds. The delay is from the instant at which a row
appears in the report until the webhook receives it.
"""

import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles

from bench.figures import Figure, show
from constant_contact_emulator import Emulator
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.model import Activity
from embedded_aws import EmbeddedAws, build
from tests.e2e.trial import ACCOUNT, parameters
from tests.webhook_server import webhook_server

OPENS = 150
EVERY_SECONDS = 2.0
"""The mean time between two opens."""
PARAMETER = "/alert-delay/url"
MEDIAN_SECONDS, P99_SECONDS = 8.0, 20.0
MOST_WAIT_SECONDS = 90


def measure() -> list[float]:
    """Return the delay of each open in seconds."""
    appeared: dict[str, float] = {}
    arrived: dict[str, float] = {}

    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedAws() as aws,
        Emulator() as vendor,
        webhook_server() as webhook,
    ):

        def note() -> None:
            for opened in webhook.posts[-1]["opens"]:
                arrived.setdefault(opened["contact_id"], time.monotonic())

        webhook.on_post = note
        built = build(Path(folder))
        for name, value in (
            (PARAMETER, webhook.url),
            (f"/alert-delay/{ACCOUNT}", json.dumps(vendor.credentials(ACCOUNT))),
        ):
            aws.client("ssm").put_parameter(Name=name, Type="SecureString", Value=value)
        stack = aws.deploy(
            built,
            "alert-delay",
            parameters("alert-delay", vendor, AlertWebhook=PARAMETER, Discovery="DISABLED"),
        )
        world = vendor.world
        campaign = world.add_campaign("March news")
        world.send(campaign.activity_id)
        DynamoDBTracking(aws.client("dynamodb"), stack.environment["TRACKING_TABLE"]).add(
            Activity(
                account_id=ACCOUNT,
                campaign_activity_id=campaign.activity_id,
                campaign_name="March news",
                sent_at=datetime.now(UTC),
                tracked_at=datetime.now(UTC) - timedelta(minutes=1),
            )
        )
        time.sleep(60)  # The schedule fires, and the functions start.
        random = Random(1)
        for number in range(OPENS):
            row = world.add_open(campaign.activity_id, number)
            appeared[row.contact.contact_id] = time.monotonic()
            # The stack polls in real time, so the opens come in real time.
            time.sleep(random.expovariate(1 / EVERY_SECONDS))
        deadline = time.monotonic() + MOST_WAIT_SECONDS
        while len(arrived) < OPENS and time.monotonic() < deadline:
            time.sleep(0.5)  # The server notes the arrivals in a thread of its own.
        repeats = len(webhook.shown) - len(set(webhook.shown))
    missing = appeared.keys() - arrived.keys()
    if missing or repeats:
        raise SystemExit(f"{len(missing)} opens did not arrive, and {repeats} arrived again.")
    return [arrived[contact] - at for contact, at in appeared.items()]


def main() -> None:
    seconds = measure()
    p99 = quantiles(seconds, n=100)[98]
    show(
        "From the report to the chat",
        [
            Figure("opens", f"{len(seconds)}, none repeated"),
            Figure(
                "median delay",
                f"{median(seconds):.1f} s",
                f"≤ {MEDIAN_SECONDS:.0f} s",
                median(seconds) <= MEDIAN_SECONDS,
            ),
            Figure("99th percentile", f"{p99:.1f} s", f"≤ {P99_SECONDS:.0f} s", p99 <= P99_SECONDS),
            Figure("longest", f"{max(seconds):.1f} s"),
        ],
        "On an emulated AWS, without the network's time to AWS, the vendor and the chat.",
    )


if __name__ == "__main__":
    main()
