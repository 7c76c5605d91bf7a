"""What alerts need from the outside, as Protocols; adapters and the tests' fakes implement them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """What became of a post."""

    SENT = "sent"
    FAILED = "failed"
    """It was certainly not shown."""


class Posts(Protocol):
    """The outcomes of posts, each identified by 8 bytes."""

    def record(self, partition: str, post: bytes, outcome: Outcome) -> None:
        """Store the outcome of a post.

        Raises:
            EmailOpensError: it could not be stored for now.
        """

    def outcomes(self, partition: str, posts: Collection[bytes]) -> dict[bytes, Outcome]:
        """Return the outcomes of those posts that have one, with a strongly consistent read.

        Raises:
            EmailOpensError: they could not be read for now.
        """


class Address(Protocol):
    """Where the webhook's URL is kept. The URL is a secret: nothing may log more than its host."""

    mend: str
    """How a person replaces the URL, as the end of a sentence."""

    def read(self) -> str:
        """Return the URL, as read some minutes ago at most.

        Raises:
            WebhookUnusable: there is no usable URL; the message names the remedy.
        """

    def forget(self) -> None:
        """Read the URL anew the next time: the webhook has refused a post."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A complete reply of the webhook."""

    status: int
    body: bytes = field(default=b"", repr=False)
    is_page: bool = False
    """It is HTML, for people, and not the reply of a webhook."""
    retry_after: timedelta | None = None
    """How long the webhook asks to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReply:
    """No complete reply came."""

    reason: str
    """The end of a sentence, without the URL."""
    sent: bool
    """The webhook may have received the request."""


class Web(Protocol):
    def post(self, url: str, document: bytes, *, before: datetime) -> Reply | NoReply:
        """Post a JSON document; redirects are not followed, and nothing is sent twice.

        Returns by `before`, and within `LONGEST_POST` of its call.
        """


LONGEST_POST = timedelta(seconds=10)
"""The limit on a whole exchange with the webhook."""
