"""How soon an open is in a subscriber's queue: `python -m bench.topic_delay`, about six minutes.

The built stack runs on the emulated AWS with its own schedule, and polls the emulated vendor in
real time; a send is opened about once in two seconds. The delay is from the instant at which a row
appears in the report until a subscriber receives it from its queue.
"""

import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median, quantiles

from bench.figures import Figure, show
from bench.live_send import delays, deploy, figure, wait_for
from constant_contact_emulator import Emulator
from email_opens_cli.demo.subscriber import Subscriber
from embedded_aws import EmbeddedAws

OPENS = 150
EVERY_SECONDS = 2.0
"""The mean time between two opens."""
MEAN_SECONDS, P99_SECONDS = 2.5, 6.0
MOST_WAIT_SECONDS = 90


def measure() -> list[float]:
    """Return the delay of each open in seconds."""
    # The subscriber notes the time of day.
    began_at, began = datetime.now(UTC), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, EmbeddedAws() as aws, Emulator() as vendor:
        send = deploy(aws, vendor, "topic-delay", Path(folder))
        topic = send.stack.outputs["OpensTopicArn"]
        with Subscriber(aws.client("sns"), aws.client("sqs"), topic) as subscriber:

            def arrived() -> dict[str, float]:
                first: dict[str, float] = {}
                for received in subscriber.received():
                    seconds = began + (received.at - began_at).total_seconds()
                    first.setdefault(received.open.contact_id, seconds)
                return first

            appeared = send.open(OPENS, EVERY_SECONDS)
            wait_for(arrived, OPENS, MOST_WAIT_SECONDS)
            times = Counter(received.event_id for received in subscriber.received())
            return delays(appeared, arrived(), times.total() - len(times))


def main() -> None:
    seconds = measure()
    show(
        "From the report to a subscriber's queue",
        [
            Figure("opens", f"{len(seconds)}, none repeated"),
            figure("mean delay", mean(seconds), MEAN_SECONDS),
            Figure("median delay", f"{median(seconds):.1f} s"),
            figure("99th percentile", quantiles(seconds, n=100)[98], P99_SECONDS),
            Figure("longest", f"{max(seconds):.1f} s"),
        ],
        "On an emulated AWS, without the network's time to AWS and to the vendor.",
    )


if __name__ == "__main__":
    main()
