"""AWS within the process, answering at once: as plain objects, or below the whole of botocore.

What it holds is little: activities, and the ledger's entries packed as they come. It checks no
condition; where conditions matter, the benchmarks use moto or the tests' fakes.
"""

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

type Asked = Mapping[str, Any]

TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:opens"
QUERY_BYTES = 2**20
"""With more than this, DynamoDB ends a reply and tells where to go on."""
DLQ_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letters"


class AwsAtOnce:
    """A DynamoDB, an SNS and an SQS client in one, without botocore."""

    def __init__(self) -> None:
        self._activities: dict[str, Any] = {}
        self._ledger: dict[str, tuple[bytes, Any]] = {}

    def publish_batch(self, **asked: Any) -> dict[str, Any]:
        entries = asked["PublishBatchRequestEntries"]
        return {
            "Successful": [{"Id": entry["Id"], "MessageId": "m"} for entry in entries],
            "Failed": [],
        }

    def send_message_batch(self, **asked: Any) -> dict[str, Any]:
        raise NotImplementedError(f"Nothing is refused here: {asked}")

    def get_item(self, **_: Any) -> dict[str, Any]:
        """Answer that the account is new: its lease is always free."""
        return {}

    def update_item(self, **_: Any) -> dict[str, Any]:
        return {}

    def put_item(self, **asked: Any) -> dict[str, Any]:
        self._activities[asked["Item"]["item"]["S"]] = asked["Item"]
        return {}

    def batch_write_item(self, **asked: Any) -> dict[str, Any]:
        for write in asked["RequestItems"]["ledger"]:
            item = write["PutRequest"]["Item"]
            self._ledger[item["entry"]["S"]] = item["fingerprints"]["B"], item["expires_at"]
        return {"UnprocessedItems": {}}

    def query(self, **asked: Any) -> dict[str, Any]:
        if asked["TableName"] == "tracking":
            return {"Items": list(self._activities.values())}
        values = asked["ExpressionAttributeValues"]
        first, last = values[":first"]["S"], values[":last"]["S"]
        after = asked.get("ExclusiveStartKey", {}).get("entry", {}).get("S", "")
        items: list[dict[str, Any]] = []
        size_bytes = 0
        for entry in sorted(name for name in self._ledger if first <= name <= last):
            packed, expires_at = self._ledger[entry]
            if entry <= after:
                continue
            size_bytes += len(packed)
            items.append(
                {"entry": {"S": entry}, "fingerprints": {"B": packed}, "expires_at": expires_at}
            )
            if size_bytes > QUERY_BYTES:
                return {"Items": items, "LastEvaluatedKey": {"entry": {"S": entry}}}
        return {"Items": items}

    def get_paginator(self, _: str) -> "Paginator":
        return Paginator(self.query)


@dataclass(frozen=True, slots=True)
class Paginator:
    """Asks on from where a reply has ended, as botocore's."""

    ask: Callable[..., dict[str, Any]]

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        reply = self.ask(**asked)
        yield reply
        while "LastEvaluatedKey" in reply:
            reply = self.ask(**asked, ExclusiveStartKey=reply["LastEvaluatedKey"])
            yield reply


@dataclass(frozen=True, slots=True)
class Clients:
    """What the adapters take."""

    dynamodb: Any
    sns: Any
    sqs: Any


def at_once() -> Clients:
    aws = AwsAtOnce()
    return Clients(aws, aws, aws)


def through_botocore() -> Clients:
    """Return real clients of which all runs but the socket: signing and parsing too."""
    aws = AwsAtOnce()
    return Clients(*(_client(service, aws) for service in ("dynamodb", "sns", "sqs")))


def _client(service: str, aws: AwsAtOnce) -> Any:
    session = boto3.session.Session(
        aws_access_key_id="bench", aws_secret_access_key="bench", region_name="eu-west-1"
    )
    client = session.client(service)  # type: ignore[call-overload]
    # A call begins and ends in one thread, of which a publisher has several.
    asked = threading.local()

    def note(params: Asked, **_: Any) -> None:
        asked.params = params

    def answer(event_name: str, request: Any, **_: Any) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        method = getattr(aws, METHODS[operation])
        body = BODIES[service](method(**asked.params))
        return AWSResponse(request.url, 200, HTTPHeaders(), Body(body))

    client.meta.events.register(f"provide-client-params.{service}", note)
    client.meta.events.register(f"before-send.{service}", answer)
    return client


METHODS = {
    "PublishBatch": "publish_batch",
    "SendMessageBatch": "send_message_batch",
    "GetItem": "get_item",
    "UpdateItem": "update_item",
    "PutItem": "put_item",
    "BatchWriteItem": "batch_write_item",
    "Query": "query",
}


@dataclass(frozen=True, slots=True)
class Body:
    """A reply's body, as botocore reads it."""

    content: bytes

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.content


def _json(reply: Asked) -> bytes:
    return json.dumps(reply, default=lambda data: base64.b64encode(data).decode()).encode()


def _xml(reply: Asked) -> bytes:
    """Write the only reply that SNS gives here."""
    members = "".join(
        f"<member><Id>{one['Id']}</Id>"
        "<MessageId>0f6b2c1e-0000-4000-8000-000000000002</MessageId></member>"
        for one in reply["Successful"]
    )
    return (
        '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">'
        f"<PublishBatchResult><Successful>{members}</Successful><Failed/></PublishBatchResult>"
        "<ResponseMetadata><RequestId>0f6b2c1e-0000-4000-8000-000000000001</RequestId>"
        "</ResponseMetadata></PublishBatchResponse>"
    ).encode()


BODIES: dict[str, Callable[[Asked], bytes]] = {"dynamodb": _json, "sns": _xml, "sqs": _json}
