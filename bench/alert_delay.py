"""How soon an open is in the chat: `python -m bench.alert_delay`, about six minutes.

The built stack runs on the emulated AWS with its own schedule, and polls the emulated vendor in
real time; a send is opened about once in two seconds. The delay is from the instant at which a row
appears in the report until the webhook receives it.
"""

import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from bench.figures import Figure, show
from bench.live_send import delays, deploy, figure, wait_for
from constant_contact_emulator import Emulator
from embedded_aws import EmbeddedAws
from tests.webhook_server import webhook_server

OPENS = 150
EVERY_SECONDS = 2.0
"""The mean time between two opens."""
PARAMETER = "/alert-delay/url"
MEDIAN_SECONDS, P99_SECONDS = 8.0, 20.0
MOST_WAIT_SECONDS = 90


def measure() -> list[float]:
    """Return the delay of each open in seconds."""
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
        aws.client("ssm").put_parameter(Name=PARAMETER, Type="SecureString", Value=webhook.url)
        send = deploy(aws, vendor, "alert-delay", Path(folder), AlertWebhook=PARAMETER)
        appeared = send.open(OPENS, EVERY_SECONDS)
        wait_for(lambda: arrived, OPENS, MOST_WAIT_SECONDS)
        repeats = len(webhook.shown) - len(set(webhook.shown))
    return delays(appeared, arrived, repeats)


def main() -> None:
    seconds = measure()
    show(
        "From the report to the chat",
        [
            Figure("opens", f"{len(seconds)}, none repeated"),
            figure("median delay", median(seconds), MEDIAN_SECONDS),
            figure("99th percentile", quantiles(seconds, n=100)[98], P99_SECONDS),
            Figure("longest", f"{max(seconds):.1f} s"),
        ],
        "On an emulated AWS, without the network's time to AWS, the vendor and the chat.",
    )


if __name__ == "__main__":
    main()
