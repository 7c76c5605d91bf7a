"""Posts to a webhook over HTTP, limited in time and in size."""

from datetime import datetime, timedelta

from email_opens.adapters.vendor.http import exchange
from email_opens.adapters.vendor.replies.reply import Unanswered
from email_opens.adapters.vendor.session import Session
from email_opens.alerts.ports import LONGEST_POST, NoReply, Reply
from email_opens.config.network import Network
from email_opens.errors import AccountStopped
from email_opens.ports import Clock

_MOST_BYTES = 64 * 1024
_PAGE_BEGINNINGS = (b"<!doctype html", b"<html")


class HttpWeb:
    """Implements `email_opens.alerts.ports.Web`.

    Each post has a connection of its own: on one that was idle, a failure would not show whether
    the webhook has received the post.
    """

    def __init__(self, network: Network, clock: Clock) -> None:
        self._network = network
        self._clock = clock

    def post(self, url: str, document: bytes, *, before: datetime) -> Reply | NoReply:
        now = self._clock.now()
        with Session(self._network) as session:
            try:
                reply = exchange(
                    session,
                    "POST",
                    url,
                    headers={"Accept": "*/*", "Content-Type": "application/json"},
                    clock=self._clock,
                    before=min(before, now + LONGEST_POST),
                    most_bytes=_MOST_BYTES,
                    content=document,
                )
            except Unanswered as error:
                return NoReply(reason=str(error), sent=error.sent)
            except AccountStopped as error:  # Nothing was sent to the host.
                return NoReply(reason=str(error).removesuffix("."), sent=False)
        asked = reply.retry_after_seconds(self._clock.now())
        start = reply.body[:200].lstrip().lower()
        kind = reply.headers.get("content-type", "").lower()
        return Reply(
            status=reply.status,
            body=reply.body,
            is_page=kind.startswith("text/html") or start.startswith(_PAGE_BEGINNINGS),
            retry_after=None if asked is None else timedelta(seconds=asked),
        )
