"""The whole product on this machine: the vendor emulated, the real stack on an embedded AWS.

The template is built and deployed as it is deployed to AWS. The deployed function is invoked
with the input of its schedule, only more often, and the opens that reach a queue are compared with
the vendor's report: none may be missing, and none may arrive twice.
"""

import json
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from constant_contact_emulator import Emulator, Send, simulate_send
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens_cli.demo.screen import Screen, Shown
from email_opens_cli.demo.subscriber import (
    ReportedOpen,
    Subscriber,
    UnderWay,
    differences,
    under_way,
)
from email_opens_cli.deployed.activities import track_each
from email_opens_cli.terminal.complaints import FAILED
from embedded_aws import EmbeddedAws, EmbeddedAwsFailed, Stack

ACCOUNT = "default"
BETWEEN_POLLS = timedelta(seconds=2)
LONGEST = timedelta(minutes=3)
"""The demo ends by then, even if rows are still under way. It usually takes half a minute."""
UNDER_WAY = 3
"""The exit code if rows are still under way when the time runs out."""
LIVE = Send(within=timedelta(seconds=25), grain=timedelta(seconds=1))
"""A send of 30 days within seconds, so that there is something to see."""
LIVE_CONTACTS = 400
BACKLOG_CONTACTS = 6000
BACKLOG_AGE = timedelta(days=3)
BACKLOG = Send(identical=0, within=BACKLOG_AGE)
"""All of its opens are in the report when the demo begins.

It has no identical rows: of two on different pages, the second is found only by the next audit.
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A simulated send."""

    name: str
    activity_id: str
    rows: int
    """How many rows its report has in the end."""


def run(screen: Screen | None = None) -> int:
    """Run the demo; return 0 only if each open was received exactly once.

    Returns `UNDER_WAY` if rows had not been reported or received when the time ran out.
    """
    shown = screen or Screen()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="email-opens-demo-") as folder,
            shown.progress() as progress,
            EmbeddedAws(progress=progress) as aws,
            Emulator() as vendor,
        ):
            built = aws.build(Path(folder))
            stack = aws.deploy(
                built,
                "email-opens-demo",
                {
                    "ConstantContactApiUrl": vendor.url,
                    "ConstantContactAuthUrl": vendor.auth_url,
                    # The demo invokes the function itself, more often.
                    "ScheduleState": "DISABLED",
                    "RoundsSeconds": "0",
                },
            )
            progress.stop()
            return _Demo(aws, vendor, stack, shown).run()
    except (EmbeddedAwsFailed, BotoCoreError, ClientError) as error:
        shown.failed(str(error))
        return FAILED
    except KeyboardInterrupt:
        shown.failed("Interrupted; everything that was started is stopped.")
        return FAILED


class _Demo:
    """A deployed stack, and a subscriber of its topic."""

    def __init__(self, aws: EmbeddedAws, vendor: Emulator, stack: Stack, screen: Screen) -> None:
        self._vendor = vendor
        self._stack = stack
        self._screen = screen
        self._lambda = aws.client("lambda")
        self._tracking = DynamoDBTracking(
            aws.client("dynamodb"), stack.environment["TRACKING_TABLE"]
        )
        aws.client("ssm").put_parameter(
            Name=stack.environment["CREDENTIALS_PREFIX"] + ACCOUNT,
            Type="SecureString",
            Value=json.dumps(vendor.credentials(ACCOUNT)),
        )
        self._subscriber = Subscriber(
            aws.client("sns"), aws.client("sqs"), stack.environment["OPENS_TOPIC_ARN"]
        )

    def run(self) -> int:
        """Poll until the live send has ended and all is published, or the time is up."""
        now = datetime.now(UTC)
        backlog = self._send("Three days old", BACKLOG_CONTACTS, now - BACKLOG_AGE, BACKLOG)
        live = self._send("Live", LIVE_CONTACTS, now, LIVE)
        sends = [live, backlog]
        track_each(
            self._tracking, ACCOUNT, [send.activity_id for send in sends], since=None, now=now
        )
        ends = now + LONGEST
        with self._subscriber, self._screen.live():
            while True:
                began = time.monotonic()
                reply = self._poll()
                self._show(sends, reply)
                under_way = self._under_way(sends)
                if not under_way or datetime.now(UTC) > ends:
                    break
                # The demo keeps a real pace, for people to watch; the schedule waits for a minute.
                left = BETWEEN_POLLS.total_seconds() - (time.monotonic() - began)
                time.sleep(max(0.0, left))
            # A repeat of an open would arrive with the next poll.
            self._show(sends, self._poll())
            under_way = self._under_way(sends)
        return self._compare(sends, under_way)

    def _send(self, name: str, contacts: int, at: datetime, send: Send) -> Sent:
        world = self._vendor.world
        activity_id = world.add_campaign(name).activity_id
        rows = simulate_send(world, activity_id, contacts, sent_at=at, send=send, seed=contacts)
        return Sent(name, activity_id, rows)

    def _poll(self) -> dict[str, Any]:
        reply = self._lambda.invoke(
            FunctionName=self._stack.outputs["PollOpensFunction"],
            Payload=json.dumps({"account_id": ACCOUNT}),
        )
        result = json.loads(reply["Payload"].read())
        if "FunctionError" in reply:
            raise EmbeddedAwsFailed(f"The function failed: {result.get('errorMessage', result)}")
        return dict(result)

    def _show(self, sends: list[Sent], reply: dict[str, Any]) -> None:
        received = self._subscriber.received()
        activities = self._tracking.activities(ACCOUNT)
        tracked = {activity.campaign_activity_id: activity for activity in activities}
        self._screen.show(
            [
                Shown(
                    name=sent.name,
                    activity=tracked[sent.activity_id],
                    reported=_reported(self._vendor, sent.activity_id),
                    received=[
                        arrival
                        for arrival in received
                        if arrival.open.campaign_activity_id == sent.activity_id
                    ],
                )
                for sent in sends
            ],
            received,
            reply,
        )

    def _under_way(self, sends: list[Sent]) -> dict[str, UnderWay]:
        """Return, by the name of its send, what is not reported or not received yet."""
        received = [arrival.open for arrival in self._subscriber.received()]
        left = {sent.name: under_way(sent.rows, self._rows(sent), received) for sent in sends}
        return {name: rows for name, rows in left.items() if rows}

    def _compare(self, sends: list[Sent], under_way: dict[str, UnderWay]) -> int:
        reported = [row for sent in sends for row in self._rows(sent)]
        received = [arrival.open for arrival in self._subscriber.received()]
        _, repeated = differences(reported, received)
        self._screen.summary(len(reported), len(received), under_way, repeated)
        if repeated:
            return FAILED
        return UNDER_WAY if under_way else 0

    def _rows(self, sent: Sent) -> list[ReportedOpen]:
        return [
            ReportedOpen(sent.activity_id, row.contact.contact_id, row.created, row.device_type)
            for row in self._vendor.world.rows(sent.activity_id)
        ]


def _reported(vendor: Emulator, activity_id: str) -> int:
    return vendor.world.count_rows(activity_id)
