"""`email-opens watch --alert`: fresh opens at a webhook, beside the output."""

from collections.abc import Iterator
from copy import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import pytest

from tests.unit.cli.watch.watcher import Watcher
from tests.webhook_server import SECRET, Answer, WebhookServer, webhook_server


@pytest.fixture
def webhook() -> Iterator[WebhookServer]:
    with webhook_server() as webhook:
        yield webhook


@pytest.fixture
def opened(connected: Watcher) -> str:
    """An e-mail with two fresh opens of one contact, one of another, and an old one."""
    world = connected.vendor.world
    email = world.add_campaign("March news").activity_id
    world.send(email)
    for contact, device in ((1, "mobile"), (1, "computer"), (2, None)):
        world.add_open(email, contact, device_type=device)
    world.add_open(email, 3, at=datetime.now(UTC) - timedelta(hours=1))
    return email


def test_fresh_first_opens_are_shown_and_all_are_written(
    connected: Watcher, webhook: WebhookServer, opened: str
) -> None:
    assert connected.watch("--alert", webhook.url, opened).exit_code == 0
    (post,) = webhook.posts
    assert sorted(each["contact_id"][-1] for each in post["opens"]) == ["1", "2"]
    assert post["campaign"]["name"] == "March news"
    assert len(connected.events()) == 4


def test_a_kill_during_a_post_leaves_a_state_in_which_the_opens_are_recorded(
    connected: Watcher, webhook: WebhookServer, opened: str, tmp_path: Path
) -> None:
    left = replace(connected, folder=tmp_path / "left")

    def keep() -> None:
        copytree(connected.folder, left.folder, dirs_exist_ok=True)

    webhook.on_post = keep
    connected.watch("--alert", webhook.url, opened)
    assert len(connected.events()) == 4
    assert left.watch(opened).exit_code == 0
    assert left.events() == []


def test_all_opens_are_shown_if_that_is_wanted(
    connected: Watcher, webhook: WebhookServer, opened: str
) -> None:
    connected.watch("--alert", webhook.url, "--alert-all", opened)
    assert [post["count"] for post in webhook.posts] == [4]


def test_the_webhook_may_be_set_in_the_environment(
    connected: Watcher, webhook: WebhookServer, opened: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_OPENS_ALERT", webhook.url)
    connected.watch(opened)
    assert len(webhook.posts) == 1


def test_nothing_is_shown_twice_by_a_second_run(
    connected: Watcher, webhook: WebhookServer, opened: str
) -> None:
    for _ in range(2):
        connected.watch("--alert", webhook.url, opened)
    assert len(webhook.posts) == 1


def test_a_webhook_that_refuses_does_not_stop_the_watch_and_its_url_is_not_printed(
    connected: Watcher, webhook: WebhookServer, opened: str
) -> None:
    webhook.answers = [Answer(404, b"no_service")] * 9
    ended = connected.watch("--alert", webhook.url, opened)
    assert ended.exit_code == 0
    assert len(connected.events()) == 4
    assert "answered 404 no_service" in ended.output
    assert "set EMAIL_OPENS_ALERT to its URL and start again" in ended.output
    assert SECRET not in ended.output


@pytest.mark.parametrize("url", [f"http://example.org/{SECRET}", SECRET, "https://"])
def test_what_is_no_webhook_is_refused_without_being_printed(watcher: Watcher, url: str) -> None:
    ended = watcher.watch("--alert", url)
    assert ended.exit_code == 2
    assert "--alert needs the https URL of a webhook" in ended.output
    assert SECRET not in ended.output


def test_all_opens_of_no_webhook_are_refused(watcher: Watcher) -> None:
    ended = watcher.watch("--alert-all")
    assert ended.exit_code == 2
    assert "--alert-all needs a webhook" in ended.output
