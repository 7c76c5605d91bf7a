"""The whole product on this machine: the vendor emulated, the real stack on an embedded AWS.

The template is built and deployed as it is deployed to AWS. The deployed function is invoked
with the input of its schedule, only more often, and the opens that reach a queue are compared with
the vendor's report: none may be missing, and none may arrive twice.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from constant_contact_emulator import Emulator
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.adapters.clock import SystemClock
from email_opens_cli.demo.function import DeployedFunction
from email_opens_cli.demo.progress import Progress
from email_opens_cli.demo.screen import Screen
from email_opens_cli.demo.sends import send_backlog, send_live
from email_opens_cli.demo.steps import Steps
from email_opens_cli.demo.story import Story
from email_opens_cli.demo.subscriber import Subscriber
from email_opens_cli.emails.activities import track_each
from email_opens_cli.terminal.complaints import FAILED
from email_opens_cli.terminal.pasted import started_as
from embedded_aws import CLONE, EmbeddedAws, EmbeddedAwsFailed, Stack, build

ACCOUNT = "default"


class _Deployed(NamedTuple):
    """A stack on an embedded AWS, and how long its deployment took."""

    aws: EmbeddedAws
    stack: Stack
    seconds: float


def run(screen: Screen, steps: Steps) -> int:
    """Run the demo; return 0 only if each open was received exactly once.

    Returns `UNDER_WAY` if rows had not been reported or received when the time ran out.
    """
    try:
        with Emulator() as vendor, _deployed(vendor, steps) as deployed:
            status = _tell(deployed, vendor, screen, steps)
    except (EmbeddedAwsFailed, BotoCoreError, ClientError) as error:
        screen.failed(str(error))
        return FAILED
    if not status:
        screen.next_steps(started_as(sys.argv[0]), in_clone=CLONE is not None)
    return status


@contextmanager
def _deployed(vendor: Emulator, steps: Steps) -> Iterator[_Deployed]:
    """Deploy the stack to an AWS on this machine, which is stopped at the end."""
    aws = EmbeddedAws(progress=steps)
    with tempfile.TemporaryDirectory(prefix="email-opens-demo-") as folder:
        try:
            steps("Starting an AWS on this machine, and building the function")
            aws.start()
            built = build(Path(folder))
            aws.wait_until_ready()
            began_seconds = time.monotonic()
            stack = aws.deploy(
                built,
                "email-opens-demo",
                {
                    "ConstantContactApiUrl": vendor.url,
                    "ConstantContactAuthUrl": vendor.auth_url,
                    # The demo invokes the function itself, more often.
                    "ScheduleState": "DISABLED",
                },
            )
            steps.end()
            yield _Deployed(aws, stack, time.monotonic() - began_seconds)
        except BaseException:
            steps.stop()
            raise
        finally:
            steps("Stopping the AWS on this machine")
            aws.close()
            steps.end()


def _tell(deployed: _Deployed, vendor: Emulator, screen: Screen, steps: Steps) -> int:
    """Connect the account, send two e-mails and track them, and tell the story."""
    steps("Connecting an account, and sending two e-mails")
    aws, stack = deployed.aws, deployed.stack
    aws.client("ssm").put_parameter(
        Name=stack.environment["CREDENTIALS_PREFIX"] + ACCOUNT,
        Type="SecureString",
        Value=json.dumps(vendor.credentials(ACCOUNT)),
    )
    tracking = DynamoDBTracking(aws.client("dynamodb"), stack.environment["TRACKING_TABLE"])
    function = DeployedFunction(
        aws, stack, tracking, ACCOUNT, deployed_within_seconds=deployed.seconds
    )
    subscriber = Subscriber(
        aws.client("sns"), aws.client("sqs"), stack.environment["OPENS_TOPIC_ARN"]
    )
    clock = SystemClock()
    now = clock.now()
    live, backlog = send_live(vendor.world, now), send_backlog(vendor.world, now)
    emails = [live.activity_id, backlog.activity_id]
    track_each(tracking, ACCOUNT, emails, since=None, now=now)
    steps.end()
    with subscriber:
        return Story(
            progress=Progress(live, backlog, subscriber),
            function=function,
            screen=screen,
            clock=clock,
        ).tell()
