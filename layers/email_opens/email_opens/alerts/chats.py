"""The documents that Slack, Teams and any other webhook accept, and how each escapes text. Pure."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from email_opens.alerts.events import Opened
from email_opens.alerts.ports import Reply
from email_opens.alerts.templates import Template, filled
from email_opens.alerts.texts import (
    ADDRESS_CHARACTERS,
    TITLE_CHARACTERS,
    Text,
    name_of,
    shown,
    text_of,
)
from email_opens.instants import iso

_TEAMS_HOSTS = (
    ".webhook.office.com",
    ".logic.azure.com",
    ".powerplatform.com",
    ".powerautomate.com",
)
_TEAMS_FAILED = b"delivery failed"
"""An old connector answers 200 with such a text when Teams refuses the message."""
_BROADCAST = re.compile(
    r"(?<![\w.])@(?=(?:channel|here|everyone|group|all|team)\b)|(?<=<)(?=[!@#&]|users/)",
    re.IGNORECASE,
)
"""Where a mention of many people begins, as Slack, Mattermost, Discord or Google Chat reads it."""
_TEAMS_MARKDOWN = re.compile(r"([\\`*_~\[\]#|<>])")
ZERO_WIDTH_SPACE = "\u200b"


class Service(Struct, frozen=True, kw_only=True):
    """A kind of webhook."""

    name: str
    document: Callable[[Text], Any] | None
    """Makes a document of a message; None: the general document."""
    escaped: Callable[[str], str]
    """Makes text safe in a template for this service."""
    accepts: Callable[[Reply], bool]
    """Returns whether a reply with a status from 200 to 299 confirms that the post is shown."""
    apart: timedelta = timedelta()
    """The least time between two posts."""


def service_of(url: str) -> Service:
    """Return the service that a webhook's URL belongs to, by its host."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    # Slack's workflows have addresses at the same host, but accept documents of their own.
    if host == "hooks.slack.com" and parts.path.startswith("/services/"):
        return SLACK
    if host == "hooks.slack.com":
        return SLACK_WORKFLOW
    if host.endswith(_TEAMS_HOSTS):
        return TEAMS
    return OTHER


def document_of(
    service: Service, opens: Sequence[Opened], now: datetime, template: Template | None
) -> bytes:
    """Return the JSON document about opens of one e-mail."""
    text = text_of(opens, now)
    if template is not None:
        document = filled(template, _values(service, opens, text))
    elif service.document is not None:
        document = service.document(text)
    else:
        document = _general(opens, text)
    return json.dumps(document, ensure_ascii=False).encode(errors="replace")


def _slack_text(text: str) -> str:
    """Escape text for Slack: control sequences such as `<!here>` and mentions become plain text."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _plain(escaped)


def _slack_formatted(text: str) -> str:
    """Escape text for a place where Slack also interprets `*`, `_`, `~` and backticks."""
    return re.sub(r"(?<!\w)([*_~`])|([*_~`])(?!\w)", rf"{ZERO_WIDTH_SPACE}\g<0>", _slack_text(text))


def _slack(text: Text) -> Any:
    # Without `mrkdwn`, *, _ and ~ in names stay as they are.
    return {
        "text": _slack_text(str(text)),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _teams_text(text: str) -> str:
    """Escape the functions of Adaptive Cards, such as `{{DATE(…)}}`, and their expressions."""
    return re.sub(r"([{$])(?={)", r"\1 ", text)


def _teams_formatted(text: str) -> str:
    """Escape text for a place where Teams also interprets Markdown."""
    return _TEAMS_MARKDOWN.sub(r"\\\1", _teams_text(text))


def _teams(text: Text) -> Any:
    # Rich text: unlike in a TextBlock, Teams does not read its runs as Markdown.
    lines = [*([f"Subject: {text.subject}"] if text.subject else []), *text.lines]
    title = {"type": "TextRun", "text": _teams_text(text.title), "weight": "Bolder"}
    runs = [{"type": "TextRun", "text": _teams_text(line)} for line in lines]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [
            {"type": "RichTextBlock", "inlines": [run], "spacing": spacing}
            for run, spacing in [(title, "Default"), *((run, "Small") for run in runs)]
        ],
    }
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }


def _general(opens: Sequence[Opened], text: Text) -> Any:
    first = opens[0]
    return {
        "text": _plain(str(text)),
        "title": _plain(text.title),
        "count": len(opens),
        "account": first.account_id,
        "campaign": _without_empty(
            {
                "name": shown(first.campaign_name, TITLE_CHARACTERS),
                "id": shown(first.campaign_id, TITLE_CHARACTERS),
                "activity_id": first.campaign_activity_id,
                "subject": shown(first.subject, TITLE_CHARACTERS),
            }
        ),
        "opens": [_open(opened) for opened in opens],
    }


def _open(opened: Opened) -> dict[str, Any]:
    return _without_empty(
        {
            "event_id": opened.event_id,
            "contact_id": opened.contact_id,
            "name": name_of(opened),
            "email_address": shown(opened.email_address, ADDRESS_CHARACTERS),
            "device_type": shown(opened.device_type, ADDRESS_CHARACTERS),
            "opened_at": iso(opened.opened_at),
            "seconds_since_send": opened.seconds_since_send,
        }
    )


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ("", None)}


def _values(service: Service, opens: Sequence[Opened], text: Text) -> dict[str, Any]:
    """Return the values of a template's placeholders."""
    first = opens[0]
    texts = {
        "text": str(text),
        "title": text.title,
        "account": first.account_id,
        "campaign_name": shown(first.campaign_name, TITLE_CHARACTERS),
        "campaign_id": shown(first.campaign_id, TITLE_CHARACTERS),
        "campaign_activity_id": first.campaign_activity_id,
        "subject": shown(first.subject, TITLE_CHARACTERS),
    }
    return {
        **{name: service.escaped(value) for name, value in texts.items()},
        "count": len(opens),
        "opens": [
            {name: _escaped(service, value) for name, value in _open(opened).items()}
            for opened in opens
        ],
    }


def _escaped(service: Service, value: Any) -> Any:
    return service.escaped(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    """Break mentions of many people: most webhooks that accept a text look for them in it."""
    return _BROADCAST.sub(lambda found: f"{found[0]}{ZERO_WIDTH_SPACE}", text)


def _is_no_page(reply: Reply) -> bool:
    return not reply.is_page


SLACK = Service(
    name="Slack",
    document=_slack,
    escaped=_slack_formatted,
    accepts=lambda reply: reply.body.strip() == b"ok",
    apart=timedelta(seconds=1),
)
SLACK_WORKFLOW = Service(
    name="a Slack workflow",
    document=None,
    escaped=_slack_text,
    accepts=_is_no_page,
    apart=timedelta(seconds=1),
)
TEAMS = Service(
    name="Teams",
    document=_teams,
    escaped=_teams_formatted,
    accepts=lambda reply: not reply.is_page and _TEAMS_FAILED not in reply.body.lower(),
    apart=timedelta(seconds=0.25),
)
OTHER = Service(name="the webhook", document=None, escaped=_plain, accepts=_is_no_page)
