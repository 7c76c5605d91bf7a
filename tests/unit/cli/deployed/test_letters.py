"""Letters over a queue whose replies a test writes."""

from collections.abc import Sequence
from typing import Any, cast

from email_opens_cli.deployed.letters import Letters


class Queue:
    """A queue that replies with these message ids, and then again and again with the last."""

    def __init__(self, *replies: Sequence[str]) -> None:
        self._replies = list(replies)
        self.received = 0

    def receive_message(self, **_: object) -> dict[str, Any]:
        self.received += 1
        ids = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return {
            "Messages": [
                {"MessageId": name, "ReceiptHandle": f"{name}-{self.received}", "Body": "{}"}
                for name in ids
            ]
        }

    def change_message_visibility_batch(self, **_: object) -> dict[str, Any]:
        return {}


def found(queue: Queue) -> list[str]:
    with Letters(cast("Any", queue), "https://queue") as letters:
        return [letter.message_id for batch in letters.matching(None) for letter in batch]


def test_letters_that_come_again_do_not_hide_those_behind_them() -> None:
    assert found(Queue(["a", "b"], ["a"], ["b", "a"], ["c"], [])) == ["a", "b", "c"]


def test_letters_that_come_again_for_ever_end_the_search() -> None:
    queue = Queue(["a", "b"])
    assert found(queue) == ["a", "b"]
    assert queue.received < 30
