"""Each service gets the document it expects, in which a contact's name is nothing but text."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from email_opens.alerts.chats import OTHER, SLACK, SLACK_WORKFLOW, TEAMS, document_of, service_of
from email_opens.alerts.events import Opened, read_open
from email_opens.alerts.templates import read_template
from tests.alerting import EMAIL, body, event_id

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
LARGE = "\U0001f600" * 500
HOSTILE = "<!channel> & <@U123> *b* _i_ ~s~ `c` @here @channel {{DATE(2026-01-01)}} ${x} [l](u)"


def opened(number: int = 1, **data: Any) -> Opened:
    return read_open(body(number, **data))


def document(url: str, *opens: Opened, template: str = "") -> Any:
    return json.loads(document_of(service_of(url), opens, NOW, read_template(template, "X")))


SLACK_URL = "https://hooks.slack.com/services/T0/B0/secret"
TEAMS_URL = "https://x.webhook.office.com/webhookb2/secret"


@pytest.mark.parametrize(
    ("url", "service"),
    [
        (SLACK_URL, SLACK),
        ("https://HOOKS.slack.com/services/T0/B0/secret", SLACK),
        ("https://hooks.slack.com/triggers/T0/1/secret", SLACK_WORKFLOW),
        ("https://hooks.slack.com/workflows/T0/A0/1/secret", SLACK_WORKFLOW),
        (TEAMS_URL, TEAMS),
        ("https://prod-01.westeurope.logic.azure.com:443/workflows/x?sig=s", TEAMS),
        ("https://default1.environment.api.powerplatform.com:443/powerautomate/x?sig=s", TEAMS),
        ("https://evil-webhook.office.com.example.org/x", OTHER),
        ("https://example.org/hooks.slack.com/services/", OTHER),
        ("http://127.0.0.1:8000/hook", OTHER),
    ],
)
def test_the_service_is_told_from_the_urls_host(url: str, service: object) -> None:
    assert service_of(url) is service


def test_slack_gets_plain_text() -> None:
    posted = document(SLACK_URL, opened(first_name="Bo"))
    assert posted["mrkdwn"] is False
    assert posted["text"] == (
        "“March news” was opened once\n"
        "• Bo &lt;reader-1@example.com&gt;, 13:58 UTC, on a phone, 7 min after the send"
    )


def test_slack_finds_neither_a_mention_nor_a_broadcast_in_a_name() -> None:
    text = document(SLACK_URL, opened(first_name=HOSTILE, campaign_name=HOSTILE))["text"]
    assert "<" not in text
    assert "@here" not in text
    assert "@channel" not in text
    assert "&lt;!channel&gt; &amp; &lt;@U123&gt;" in text


def test_an_address_stays_as_it_is() -> None:
    posted = document(SLACK_URL, opened(email_address="b_o@here.example"))
    assert "b_o@here.example" in posted["text"]


def test_a_template_for_slack_has_no_formatting_from_a_name() -> None:
    posted = document(
        SLACK_URL, opened(campaign_name="*Sale* _now_"), template='{"text": "*{{campaign_name}}*"}'
    )
    assert posted == {"text": "*\u200b*Sale\u200b* \u200b_now\u200b_*"}


def test_teams_gets_an_adaptive_card_of_text_that_is_not_markdown() -> None:
    posted = document(TEAMS_URL, opened(first_name="**Bo**", subject="Hello"))
    (attachment,) = posted["attachments"]
    assert posted["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    blocks = attachment["content"]["body"]
    assert {block["type"] for block in blocks} == {"RichTextBlock"}
    runs = [run["text"] for block in blocks for run in block["inlines"]]
    assert runs == [
        "“March news” was opened once",
        "Subject: Hello",
        "**Bo** <reader-1@example.com>, 13:58 UTC, on a phone, 7 min after the send",
    ]


def test_teams_evaluates_nothing_in_a_name() -> None:
    text = json.dumps(document(TEAMS_URL, opened(first_name=HOSTILE, campaign_name=HOSTILE)))
    assert "{{" not in text
    assert "${" not in text


@pytest.mark.parametrize("name", ["{{{DATE(2026-01-01)}}", "$${x}", "${{x}}", "{{{{{"])
def test_teams_evaluates_nothing_in_a_name_that_repeats_a_brace(name: str) -> None:
    text = json.dumps(document(TEAMS_URL, opened(first_name=name)))
    assert "{{" not in text
    assert "${" not in text


@pytest.mark.parametrize("template", ['{"text": "Opens: {{opens}}"}', '{"text": "{{opens}}"}'])
def test_a_list_of_opens_in_a_template_is_escaped_too(template: str) -> None:
    text = json.dumps(document(SLACK_URL, opened(first_name=HOSTILE), template=template))
    assert "<" not in text
    assert "@here" not in text
    posted = document(TEAMS_URL, opened(first_name=HOSTILE), template=template)
    assert "{{DATE" not in json.dumps(posted)


@pytest.mark.parametrize("mention", ["@channel", "@ALL", "@here", "<!channel>", "<users/all>"])
@pytest.mark.parametrize("template", ["", '{"text": "{{text}}", "title": "{{title}}"}'])
def test_no_name_mentions_everybody_at_any_other_webhook(mention: str, template: str) -> None:
    hostile = opened(first_name=mention, campaign_name=mention)
    posted = document("https://chat.example.org/hook", hostile, template=template)
    assert mention not in f"{posted['text']}{posted['title']}"
    assert mention.strip("@<>!") in posted["text"]


def test_a_template_for_teams_has_no_markdown_from_a_name() -> None:
    posted = document(TEAMS_URL, opened(campaign_name="[x](y)*"), template='["{{campaign_name}}"]')
    assert posted == ["\\[x\\](y)\\*"]


def test_no_document_is_larger_than_teams_accepts() -> None:
    opens = [
        opened(n, first_name=LARGE, last_name=LARGE, email_address=LARGE, device_type=LARGE)
        for n in range(100)
    ]
    assert len(document_of(TEAMS, opens, NOW, None)) < 28_000


def test_any_other_webhook_gets_the_opens_as_json() -> None:
    assert document("https://example.org/hook", opened(1, last_name="Lund"), opened(2)) == {
        "text": "“March news” was opened 2 times\n"
        "• Lund <reader-1@example.com>, 13:58 UTC, on a phone, 7 min after the send\n"
        "• reader-2@example.com, 13:58 UTC, on a phone, 7 min after the send",
        "title": "“March news” was opened 2 times",
        "count": 2,
        "account": "default",
        "campaign": {
            "name": "March news",
            "id": "5b1e0a52-0000-4000-8000-0000000000cc",
            "activity_id": EMAIL,
        },
        "opens": [
            {
                "event_id": event_id(number),
                "contact_id": f"0f6b2c1e-0000-4000-8000-{number:012}",
                **({"name": "Lund"} if number == 1 else {}),
                "email_address": f"reader-{number}@example.com",
                "device_type": "mobile",
                "opened_at": "2026-03-02T13:58:00Z",
                "seconds_since_send": 420,
            }
            for number in (1, 2)
        ],
    }


def test_a_hashed_address_is_in_no_document() -> None:
    hashed = opened(email_address=None, email_address_hash="ab" * 32)
    for url in (SLACK_URL, TEAMS_URL, "https://example.org"):
        assert "abab" not in json.dumps(document(url, hashed))


def test_a_template_takes_the_place_of_the_document() -> None:
    posted = document(
        "https://example.org",
        opened(),
        template='{"content": "{{title}} ({{account}})", "n": "{{count}}", "o": "{{opens}}"}',
    )
    assert posted["content"] == "“March news” was opened once (default)"
    assert posted["n"] == 1
    assert posted["o"][0]["contact_id"].startswith("0f6b2c1e")
