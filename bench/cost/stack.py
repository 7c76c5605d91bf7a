"""What a stack has once, whether or not its accounts work: read from the template."""

from bench.cost.prices import ALARMS, DASHBOARD, MONTH_SECONDS, SQS
from bench.cost.usage import Units
from tests.integration.rendering import existing
from tests.integration.template import of_type, read_template

LONG_POLLS = 5
LONG_POLL_SECONDS = 20
"""Assumed: Lambda polls a queue with so many requests at once, each of which lasts so long."""


def once(monitoring: str) -> Units:
    """Return the units that a stack takes in a month, however many accounts it has."""
    poll = of_type(read_template(), "AWS::Serverless::Function")["PollOpens"]
    queues = sum(event["Type"] == "SQS" for event in poll["Events"].values())
    return {
        SQS: queues * LONG_POLLS * MONTH_SECONDS / LONG_POLL_SECONDS,
        ALARMS: len(existing("AWS::CloudWatch::Alarm", Monitoring=monitoring)),
        DASHBOARD: len(existing("AWS::CloudWatch::Dashboard", Monitoring=monitoring)),
    }
