"""AWS in memory that counts requests: a session of boto3 for `bootstrap`."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from bench.cost.durations import (
    CPU_BATCH,
    CPU_CALL,
    DYNAMODB_CALL,
    SNS_AT_ONCE,
    SNS_BATCH,
    SQS_CALL,
    SSM_CALL,
    Function,
)
from bench.cost.dynamodb import CountingDynamoDB
from bench.cost.prices import KMS, SNS, SQS
from bench.cost.usage import Meter
from email_opens.instants import iso

SNS_BYTES = 65_536
"""A request to SNS is billed for each 64 KB of it."""
ATTRIBUTE_BYTES = 400
"""The names, types and values of a message's attributes, about."""
REQUESTS_A_MESSAGE = 3
"""A message of SQS that Lambda receives: SendMessage, ReceiveMessage and DeleteMessage."""


@dataclass(slots=True)
class CountingSns:
    """The client of SNS."""

    meter: Meter
    seconds: float = 0.0

    def publish_batch(self, **call: Any) -> dict[str, Any]:
        entries = call["PublishBatchRequestEntries"]
        size = sum(len(entry["Message"].encode()) + ATTRIBUTE_BYTES for entry in entries)
        self.meter.use({SNS: ceil(size / SNS_BYTES)}, "PublishBatch", self.seconds)
        return {
            "Successful": [{"Id": entry["Id"], "MessageId": "m"} for entry in entries],
            "Failed": [],
        }


@dataclass(slots=True)
class CountingSqs:
    """The client of SQS; messages that it is sent are delivered when they are due."""

    meter: Meter
    seconds: float = 0.0
    messages: list[tuple[datetime, str]] = field(default_factory=list)
    """When each message is due, and its body."""

    def send_message(self, **call: Any) -> dict[str, Any]:
        due = self.meter.clock.now() + timedelta(seconds=call["DelaySeconds"])
        self.meter.use({SQS: REQUESTS_A_MESSAGE}, "SendMessage", self.seconds)
        self.messages.append((due, call["MessageBody"]))
        return {"MessageId": "m"}

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        raise NotImplementedError(f"No dead letter is expected: {call}")


@dataclass(slots=True)
class CountingSsm:
    """The client of Parameter Store, with the credentials of an account."""

    meter: Meter
    seconds: float = 0.0

    def get_parameter(self, **call: Any) -> dict[str, Any]:
        self.meter.use({KMS: 1}, "GetParameter", self.seconds)
        tokens = {
            "client_id": "bench",
            "refresh_token": "r" * 40,
            "access_token": "a" * 900,
            "expires_at": iso(self.meter.clock.now() + timedelta(hours=12)),
        }
        return {"Parameter": {"Name": call["Name"], "Value": json.dumps(tokens), "Version": 1}}


class CountingSession:
    """A session of boto3 whose clients count; their calls take as long as with this function."""

    def __init__(self, meter: Meter, function: Function) -> None:
        cpu = function.seconds(CPU_CALL)
        self.dynamodb = CountingDynamoDB(meter, DYNAMODB_CALL + cpu)
        self.sqs = CountingSqs(meter, SQS_CALL + cpu)
        # Batches wait at the same time, but share the processor.
        batch = SNS_BATCH / SNS_AT_ONCE + function.seconds(CPU_BATCH)
        self._clients: dict[str, Any] = {
            "dynamodb": self.dynamodb,
            "sns": CountingSns(meter, batch),
            "sqs": self.sqs,
            "ssm": CountingSsm(meter, SSM_CALL + cpu),
        }

    def client(self, name: str, **_: Any) -> Any:
        return self._clients[name]
