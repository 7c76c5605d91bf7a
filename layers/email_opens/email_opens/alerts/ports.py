"""What alerts need from the outside, as Protocols; adapters and the tests' fakes implement them."""

from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from email_opens.confidential import Confidential


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
        """Make the next `read` fetch the URL again, because the webhook has refused a post."""


class Reply(Confidential, frozen=True, kw_only=True):
    """A complete reply of the webhook."""

    status: int
    body: bytes = b""
    is_page: bool = False
    """It is HTML, for people, and not the reply of a webhook."""
    retry_after: timedelta | None = None
    """How long the webhook asks to wait."""


class NoReply(Struct, frozen=True, kw_only=True):
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
