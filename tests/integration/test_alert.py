"""The alert through its real handler: opens of a poll reach a webhook, each once."""

import json
from typing import Any

import pytest

from tests.alerting import body, event, event_id
from tests.integration.alert import PARAMETER, Alerting
from tests.integration.alert import alert as alert  # noqa: PLC0414 - a fixture
from tests.integration.deployment import ROOT, Context
from tests.webhook_server import SECRET, Answer

GONE = Answer(404, b"no_service")


def fresh(number: int = 1, **data: Any) -> str:
    return body(number, **data)


def test_fresh_opens_of_a_poll_are_one_post(alert: Alerting) -> None:
    alert.opens(3)
    assert alert.invoke() == []
    (post,) = alert.webhook.posts
    assert post["count"] == 3
    assert "was opened 3 times" in post["text"]
    assert alert.in_queue() == 0


def test_old_opens_do_not_come_to_the_queue(alert: Alerting) -> None:
    activity_id = alert.polls.send(opens=2)
    alert.polls.clock.sleep(3600)
    alert.polls.vendor.world.add_open(activity_id, 7)
    alert.polls.invoke()
    alert.invoke()
    assert [post["count"] for post in alert.webhook.posts] == [1]


def test_an_open_that_is_delivered_again_is_not_shown_again(alert: Alerting) -> None:
    for _ in range(3):
        alert.send(fresh())
        alert.invoke()
    assert alert.webhook.shown == [event_id(1)]
    assert alert.in_queue() == 0


def test_a_new_container_does_not_show_it_again_either(alert: Alerting) -> None:
    alert.send(fresh())
    alert.invoke()
    alert.app.alert.cache_clear()
    alert.send(fresh())
    assert alert.invoke() == []
    assert alert.webhook.shown == [event_id(1)]


class Kill(BaseException):
    """The end of the process."""


def test_an_open_in_a_post_that_was_interrupted_is_set_aside(alert: Alerting) -> None:
    def kill(*_: object, **__: object) -> None:
        raise Kill

    alert.send(fresh())
    batch = alert.batch()
    web = alert.app.alert().alerts._web
    post, web.post = web.post, kill
    with pytest.raises(Kill):
        alert.handle(batch)
    web.post = post
    alert.polls.clock.sleep(360)
    assert alert.handle(batch) == []
    (letter,) = alert.dead_letters()
    assert letter["body"] == fresh()
    assert letter["reason"].startswith("may have been shown already")
    assert alert.webhook.posts == []


def test_a_dead_letter_that_is_sent_again_is_shown(alert: Alerting) -> None:
    test_an_open_in_a_post_that_was_interrupted_is_set_aside(alert)
    (letter,) = alert.dead_letters()
    alert.send(letter["body"], reason=letter["reason"])
    assert alert.invoke() == []
    assert alert.webhook.shown == [event_id(1)]


def test_messages_go_back_to_the_queue_while_the_webhook_fails(alert: Alerting) -> None:
    alert.webhook.answers = [Answer(503)]
    alert.send(fresh())
    batch = alert.batch()
    assert alert.handle(batch) == [record["messageId"] for record in batch["Records"]]
    assert alert.in_queue() == 1
    assert alert.batch() == {"Records": []}, "The message is not hidden."
    alert.polls.clock.sleep(31)
    assert alert.handle(batch) == []
    assert alert.webhook.shown == [event_id(1)]


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        json.dumps(event() | {"dataschema": "urn:email-opens:schema:email-opened.v2"}),
        json.dumps({"type": "email.clicked"}),
    ],
)
def test_a_message_that_cannot_be_shown_is_set_aside_unchanged_and_blocks_nothing(
    alert: Alerting, text: str
) -> None:
    alert.send(text, account_id="default")
    alert.send(fresh())
    assert alert.invoke() == []
    assert alert.webhook.shown == [event_id(1)]
    (letter,) = alert.dead_letters()
    assert letter["body"] == text
    assert letter["account_id"] == "default"
    assert letter["reason"]


def test_a_message_that_the_dead_letter_queue_refuses_stays_in_the_queue(
    alert: Alerting,
) -> None:
    alert.app.alert()
    alert.aws.sqs.delete_queue(QueueUrl=alert.dead_letter_url)
    alert.send("hello")
    batch = alert.batch()
    assert alert.handle(batch) == [record["messageId"] for record in batch["Records"]]


def test_a_url_that_is_replaced_after_a_4xx_works_without_a_deployment(alert: Alerting) -> None:
    working = alert.webhook.url
    alert.store(f"{working}/gone")
    alert.webhook.answers = [GONE]
    alert.send(fresh())
    batch = alert.batch()
    assert alert.handle(batch)
    alert.store(working)
    alert.polls.clock.sleep(31)
    assert alert.handle(batch) == []
    assert alert.webhook.shown == [event_id(1)]


class TestTheLog:
    def errors(self, alert: Alerting) -> list[str]:
        return [line["message"] for line in alert.polls.output.logs if line["level"] == "ERROR"]

    def test_explains_a_refusal_with_the_command_that_mends_it(self, alert: Alerting) -> None:
        alert.webhook.answers = [GONE]
        alert.send(fresh())
        alert.invoke()
        (error,) = self.errors(alert)
        assert error.startswith("The webhook at 127.0.0.1 answered 404 no_service: ")
        assert f"aws ssm put-parameter --overwrite --type SecureString --name {PARAMETER}" in error

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(),
            GONE,
            Answer(302, b"", (("Location", "http://127.0.0.1/other"),)),
            Answer(200, b"<html>Sign in</html>"),
            Answer(429, b"", (("Retry-After", "60"),)),
            Answer(500, SECRET.encode()),
        ],
    )
    def test_never_holds_the_urls_path_or_an_address(self, alert: Alerting, answer: Answer) -> None:
        alert.webhook.answers = [answer]
        alert.send(fresh(first_name="Bo"))
        alert.invoke()
        assert SECRET not in alert.polls.output.everything
        assert "example.com" not in alert.polls.output.everything

    def test_names_the_parameter_that_is_missing(self, alert: Alerting) -> None:
        alert.aws.ssm.delete_parameter(Name=PARAMETER)
        alert.send(fresh())
        assert alert.invoke()
        (error,) = self.errors(alert)
        assert f"{PARAMETER} (ParameterNotFound): store its URL with `aws ssm" in error

    @pytest.mark.parametrize("url", ["hello", "http://example.org/x", "https://u:p@example.org/"])
    def test_names_a_parameter_that_holds_no_url(self, alert: Alerting, url: str) -> None:
        alert.store(url)
        alert.send(fresh())
        assert alert.invoke()
        (error,) = self.errors(alert)
        assert f"The parameter {PARAMETER} does not hold the https URL" in error
        assert url not in error

    def test_explains_a_malformed_template_and_keeps_the_messages(
        self, alert: Alerting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ALERT_TEMPLATE", '{"a": "{{txt}}"}')
        alert.send(fresh())
        assert alert.invoke()
        (error,) = self.errors(alert)
        assert error.startswith("ALERT_TEMPLATE cannot be used: there is no placeholder {{txt}}")
        assert alert.in_queue() == 1

    def test_counts_what_a_batch_came_to(self, alert: Alerting) -> None:
        alert.send(fresh(1))
        alert.send(fresh(1))
        alert.send("hello")
        alert.invoke()
        completed = alert.polls.output.logs[-1]
        counts = {name: completed[name] for name in ("posts", "opens", "returned", "set_aside")}
        assert counts == {"posts": 1, "opens": 1, "returned": 0, "set_aside": 1}


def test_a_template_of_the_settings_is_used(
    alert: Alerting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_TEMPLATE", '{"m": "{{title}}", "n": "{{count}}"}')
    alert.send(fresh())
    alert.invoke()
    assert alert.webhook.posts == [{"m": "“March news” was opened once", "n": 1}]


def test_the_sample_batch_is_one_post_and_a_dead_letter(alert: Alerting) -> None:
    batch = json.loads((ROOT / "events" / "alert-opens.json").read_text())
    assert alert.app.handler(batch, Context()) == {"batchItemFailures": []}
    (post,) = alert.webhook.posts
    assert [opened["email_address"] for opened in post["opens"]] == [
        "bo@example.com",
        "zoë@例え.jp",
    ]
    (letter,) = alert.dead_letters()
    assert letter["reason"] == "The event's type is not email.opened."
