"""What a reply means: whether the post is shown, how to fix a failure, when to retry. Pure."""

from datetime import timedelta
from http import HTTPStatus

from msgspec import Struct

from email_opens.alerts.chats import Service
from email_opens.alerts.deduplication import Outcome
from email_opens.alerts.ports import NoReply, Reply

_ABOUT_THE_MESSAGE = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_FOR_NOW = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)

_REMOVED = "the webhook or its app was removed: create another in Slack, and {mend}"
_ARCHIVED = "unarchive the channel, or create a webhook for another one and {mend}"
_REFUSED_DOCUMENT = "Slack does not accept the document: check the template, AlertTemplate"
_SLACK_REMEDIES = {
    "no_service": _REMOVED,
    "no_service_id": _REMOVED,
    "no_active_hooks": _REMOVED,
    "no_team": _REMOVED,
    "team_disabled": _REMOVED,
    "invalid_token": _REMOVED,
    "user_not_found": _REMOVED,
    "channel_not_found": "the channel was deleted: create a webhook for another one, and {mend}",
    "channel_is_archived": _ARCHIVED,
    "is_archived": _ARCHIVED,
    "action_prohibited": "an administrator of the workspace must allow the webhook to post there",
    "posting_to_general_channel_denied": (
        "only administrators may post there: create a webhook for another channel, and {mend}"
    ),
    "invalid_payload": _REFUSED_DOCUMENT,
    "invalid_blocks": _REFUSED_DOCUMENT,
    "missing_text_or_fallback_or_attachments": _REFUSED_DOCUMENT,
    "no_text": _REFUSED_DOCUMENT,
}
_REMEDIES = {
    401: "the URL is not complete or its signature has expired: copy it again, and {mend}",
    403: "the webhook does not accept posts from here: allow them, or {mend}",
    404: "there is no such webhook: check that its URL is complete, or create another and {mend}",
    405: "the URL accepts no posts: it is not that of a webhook, so {mend}",
    410: "the webhook was removed: create another, and {mend}",
    413: "the document is too large: shorten the template, AlertTemplate",
}


class Verdict(Struct, frozen=True, kw_only=True):
    """The result of an attempt to post."""

    outcome: Outcome | None
    """None: it is unknown whether the post is shown, so it is not repeated."""
    problem: str | None = None
    """A sentence with the remedy, without the URL."""
    about_the_message: bool = False
    """Another message may be accepted."""
    wait: timedelta | None = None
    """How long the webhook asks to wait."""
    is_refused: bool = False
    """The webhook answered with a status from 400 to 499: its URL may have been replaced."""


SENT = Verdict(outcome=Outcome.SENT)


def verdict_on(reply: Reply | NoReply, service: Service, host: str, mend: str) -> Verdict:
    """Judge a reply; `mend` is how a person replaces the URL, as the end of a sentence."""
    if isinstance(reply, NoReply):
        retried = "this post may be shown and is not repeated" if reply.sent else "it is retried"
        return Verdict(
            outcome=None if reply.sent else Outcome.FAILED,
            problem=f"The webhook at {host} did not answer ({reply.reason}): {retried}.",
        )
    answer = f"The webhook at {host} answered {reply.status}"
    if reply.status < HTTPStatus.MULTIPLE_CHOICES:
        if service.accepts(reply):
            return SENT
        kind = "a web page" if reply.is_page else "an unexpected text"
        return Verdict(
            outcome=None,
            problem=f"{answer} with {kind}, so this post may be shown and is not repeated: "
            f"check that the URL is that of a webhook, or {mend}.",
        )
    if reply.status < HTTPStatus.BAD_REQUEST:
        return Verdict(
            outcome=Outcome.FAILED,
            problem=f"{answer}, a redirect, which is not followed: find the webhook's current "
            f"URL, and {mend}.",
        )
    if reply.status in _FOR_NOW or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict(
            outcome=Outcome.FAILED,
            problem=f"{answer}: it is retried.",
            wait=reply.retry_after,
            is_refused=reply.status < HTTPStatus.INTERNAL_SERVER_ERROR,
        )
    word = _error_word(reply)
    remedy = _SLACK_REMEDIES.get(word) or _REMEDIES.get(
        reply.status, "check the URL and the document that it accepts, or {mend}"
    )
    return Verdict(
        outcome=Outcome.FAILED,
        problem=f"{answer}{f' {word}' if word else ''}: {remedy.format(mend=mend)}.",
        about_the_message=reply.status in _ABOUT_THE_MESSAGE,
        wait=reply.retry_after,
        is_refused=True,
    )


def _error_word(reply: Reply) -> str:
    """Return the error code of Slack that a reply consists of; nothing else of it is shown."""
    word = reply.body.strip().decode(errors="replace")
    return word if word in _SLACK_REMEDIES else ""
