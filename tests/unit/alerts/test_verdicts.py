"""What a webhook's reply means, in a sentence with a remedy."""

from datetime import timedelta

import pytest

from email_opens.alerts.chats import OTHER, SLACK, SLACK_WORKFLOW, TEAMS, Service
from email_opens.alerts.deduplication import Outcome
from email_opens.alerts.ports import NoReply, Reply
from email_opens.alerts.verdicts import Verdict, verdict_on
from tests.alerting import MEND

PAGE = b"<!DOCTYPE html><title>Sign in</title>"


def verdict(
    status: int,
    body: bytes = b"",
    service: Service = SLACK,
    *,
    is_page: bool = False,
    wait: timedelta | None = None,
) -> Verdict:
    reply = Reply(status=status, body=body, is_page=is_page, retry_after=wait)
    return verdict_on(reply, service, "hooks.slack.com", MEND)


@pytest.mark.parametrize(
    ("status", "body", "service"),
    [
        (200, b"ok", SLACK),
        (200, b'{"ok":true}', SLACK_WORKFLOW),
        (200, b"1", TEAMS),
        (202, b"", TEAMS),
        (200, b"anything", OTHER),
        (204, b"", OTHER),
    ],
)
def test_a_post_that_the_service_confirms_is_sent(
    status: int, body: bytes, service: Service
) -> None:
    assert verdict(status, body, service) == Verdict(outcome=Outcome.SENT)


@pytest.mark.parametrize(
    ("body", "service", "is_page"),
    [
        (b"", SLACK, False),
        (PAGE, SLACK, True),
        (PAGE, TEAMS, True),
        (PAGE, OTHER, True),
        (b"Webhook message delivery failed with error: HTTP error 429", TEAMS, False),
    ],
)
def test_a_200_that_confirms_nothing_leaves_open_whether_the_post_is_shown(
    body: bytes, service: Service, is_page: bool
) -> None:
    judged = verdict(200, body, service, is_page=is_page)
    assert judged.outcome is None
    assert "is not repeated" in f"{judged.problem}"
    assert MEND in f"{judged.problem}"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, b"no_service", "404 no_service: the webhook or its app was removed"),
        (403, b"invalid_token", "403 invalid_token: the webhook or its app was removed"),
        (404, b"channel_not_found", "404 channel_not_found: the channel was deleted"),
        (410, b"channel_is_archived", "410 channel_is_archived: unarchive the channel"),
        (403, b"action_prohibited", "an administrator of the workspace"),
        (404, b"no_team\n", "404 no_team"),
        (400, b"invalid_payload", "check the template"),
        (404, b"Not here", "404: there is no such webhook"),
        (410, b"", "410: the webhook was removed"),
        (401, b"", "401: the URL is not complete"),
        (413, b"", "413: the document is too large"),
        (418, b"", "418: check the URL"),
        (301, b"", "301, a redirect, which is not followed"),
        (308, b"", "308, a redirect"),
        (429, b"", "429: it is retried"),
        (500, b"rollup_error", "500: it is retried"),
        (503, PAGE, "503: it is retried"),
    ],
)
def test_a_refusal_is_explained_with_a_remedy(status: int, body: bytes, words: str) -> None:
    judged = verdict(status, body)
    assert judged.outcome is Outcome.FAILED
    assert f"The webhook at hooks.slack.com answered {status}" in f"{judged.problem}"
    assert words in f"{judged.problem}"


def test_nothing_of_a_reply_is_in_a_sentence_but_slacks_own_codes() -> None:
    assert "ann" not in f"{verdict(404, b'ann@example.org').problem}"
    assert "secret_token" not in f"{verdict(404, b'secret_token').problem}"


def test_only_a_refused_document_is_about_one_message() -> None:
    about = {status for status in range(300, 600) if verdict(status).about_the_message}
    assert about == {400, 413, 422}


def test_any_4xx_may_mean_that_the_url_was_replaced() -> None:
    refused = {status for status in range(300, 600) if verdict(status).is_refused}
    assert refused == set(range(400, 500))


def test_a_wait_is_what_the_webhook_asks_for() -> None:
    assert verdict(429, wait=timedelta(seconds=7)).wait == timedelta(seconds=7)
    assert verdict(503, wait=timedelta(minutes=5)).wait == timedelta(minutes=5)
    assert verdict(503).wait is None


def test_a_post_that_was_never_sent_has_failed() -> None:
    judged = verdict_on(NoReply(reason="no connection", sent=False), OTHER, "example.org", MEND)
    assert judged.outcome is Outcome.FAILED
    assert judged.problem == (
        "The webhook at example.org did not answer (no connection): it is retried."
    )


def test_a_post_without_an_answer_may_be_shown() -> None:
    judged = verdict_on(NoReply(reason="it timed out", sent=True), OTHER, "example.org", MEND)
    assert judged.outcome is None
    assert "may be shown and is not repeated" in f"{judged.problem}"
