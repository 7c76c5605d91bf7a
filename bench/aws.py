"""AWS within the process, which replies at once: as plain objects, or below all of botocore.

It stores only activities and ledger entries, and checks no conditions; where conditions matter,
the benchmarks use moto or the tests' fakes.
"""

import base64
import json
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import SEEK_END, BytesIO
from typing import IO, Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

type Parameters = Mapping[str, Any]

TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:opens"
QUERY_BYTES = 2**20
"""DynamoDB ends a reply that exceeds this size and returns the key to continue from."""
DLQ_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letters"


class InstantAws:
    """Clients of DynamoDB, SNS and SQS in one object, without botocore.

    The ledger's fingerprints are in a file, if one is given, and not in memory.
    """

    def __init__(self, ledger_file: IO[bytes] | None = None) -> None:
        self._activities: dict[str, Any] = {}
        self._content = ledger_file or BytesIO()
        """The fingerprints of all ledger entries."""
        self._ledger: dict[str, tuple[int, int, str]] = {}
        """Where those of an entry begin, how many bytes they have, and when they expire."""
        self._entries: list[str] = []
        """The keys of the ledger, in order."""

    def publish_batch(self, **parameters: Any) -> dict[str, Any]:
        entries = parameters["PublishBatchRequestEntries"]
        return {
            "Successful": [{"Id": entry["Id"], "MessageId": "m"} for entry in entries],
            "Failed": [],
        }

    def send_message_batch(self, **parameters: Any) -> dict[str, Any]:
        raise NotImplementedError(f"The benchmark expects no dead letter: {parameters}")

    def get_item(self, **_: Any) -> dict[str, Any]:
        """Return no item: the account is new, so its lease is always free."""
        return {}

    def update_item(self, **_: Any) -> dict[str, Any]:
        return {}

    def put_item(self, **parameters: Any) -> dict[str, Any]:
        item = parameters["Item"]
        # A process that has decided keeps its decisions in memory, and never reads them.
        if "decisions" not in item:
            self._activities[item["item"]["S"]] = item
        return {}

    def batch_write_item(self, **parameters: Any) -> dict[str, Any]:
        for write in parameters["RequestItems"]["ledger"]:
            item = write["PutRequest"]["Item"]
            entry = item["entry"]["S"]
            if entry not in self._ledger:
                insort(self._entries, entry)
            packed = item["fingerprints"]["B"]
            start = self._content.seek(0, SEEK_END)
            self._content.write(packed)
            self._ledger[entry] = start, len(packed), item["expires_at"]["N"]
        return {"UnprocessedItems": {}}

    def query(self, **parameters: Any) -> dict[str, Any]:
        if parameters["TableName"] == "tracking":
            return {"Items": list(self._activities.values())}
        values = parameters["ExpressionAttributeValues"]
        if ":next" in values:
            return {"Items": []}
        first, last = values[":first"]["S"], values[":last"]["S"]
        after = parameters.get("ExclusiveStartKey", {}).get("entry", {}).get("S", "")
        items: list[dict[str, Any]] = []
        size_bytes = 0
        start, end = bisect_left(self._entries, first), bisect_right(self._entries, last)
        for entry in self._entries[start:end]:
            if entry <= after:
                continue
            at, length, expires_at = self._ledger[entry]
            self._content.seek(at)
            packed = self._content.read(length)
            size_bytes += length
            items.append(
                {
                    "entry": {"S": entry},
                    "fingerprints": {"B": packed},
                    "expires_at": {"N": expires_at},
                }
            )
            if size_bytes > QUERY_BYTES:
                return {"Items": items, "LastEvaluatedKey": {"entry": {"S": entry}}}
        return {"Items": items}

    def get_paginator(self, _: str) -> "Paginator":
        return Paginator(self.query)


@dataclass(frozen=True, slots=True)
class Paginator:
    """Requests the next page from the end of the previous one, like botocore's paginators."""

    query: Callable[..., dict[str, Any]]

    def paginate(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        reply = self.query(**parameters)
        yield reply
        while "LastEvaluatedKey" in reply:
            reply = self.query(**parameters, ExclusiveStartKey=reply["LastEvaluatedKey"])
            yield reply


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients that the adapters need."""

    dynamodb: Any
    sns: Any
    sqs: Any


def instant() -> Clients:
    aws = InstantAws()
    return Clients(aws, aws, aws)


def through_botocore(ledger_file: IO[bytes] | None = None) -> Clients:
    """Return real clients without the socket: validation, signing and parsing run."""
    aws = InstantAws(ledger_file)
    return Clients(*(_client(service, aws) for service in ("dynamodb", "sns", "sqs")))


def _client(service: str, aws: InstantAws) -> Any:
    session = boto3.session.Session(
        aws_access_key_id="bench", aws_secret_access_key="bench", region_name="eu-west-1"
    )
    client = session.client(service)  # type: ignore[call-overload]
    # A call stays in one thread; a publisher has several threads.
    call = threading.local()

    def record(params: Parameters, **_: Any) -> None:
        call.params = params

    def reply(event_name: str, request: Any, **_: Any) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        method = getattr(aws, METHODS[operation])
        body = BODIES[service](method(**call.params))
        return AWSResponse(request.url, 200, HTTPHeaders(), Body(body))

    client.meta.events.register(f"provide-client-params.{service}", record)
    client.meta.events.register(f"before-send.{service}", reply)
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
    """A reply's body with the interface that botocore reads."""

    content: bytes

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.content


def _json(result: Parameters) -> bytes:
    return json.dumps(result, default=lambda data: base64.b64encode(data).decode()).encode()


def _xml(result: Parameters) -> bytes:
    """Return a reply to PublishBatch, the only call of SNS here."""
    members = "".join(
        f"<member><Id>{message['Id']}</Id>"
        "<MessageId>0f6b2c1e-0000-4000-8000-000000000002</MessageId></member>"
        for message in result["Successful"]
    )
    return (
        '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">'
        f"<PublishBatchResult><Successful>{members}</Successful><Failed/></PublishBatchResult>"
        "<ResponseMetadata><RequestId>0f6b2c1e-0000-4000-8000-000000000001</RequestId>"
        "</ResponseMetadata></PublishBatchResponse>"
    ).encode()


BODIES: dict[str, Callable[[Parameters], bytes]] = {"dynamodb": _json, "sns": _xml, "sqs": _json}
