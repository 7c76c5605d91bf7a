"""Opens from the vendor's report to a subscribed queue."""

from datetime import timedelta

import pytest

from constant_contact_emulator import Contact
from email_opens.adapters.aws.publishing.messages import MOST_BYTES
from tests.integration.deployment import ACCOUNT, Deployment

ANN = Contact("0f6b2c1e-0000-4000-8000-000000000001", "ann@example.org")


def test_each_open_of_every_activity_reaches_a_subscriber_once(deployment: Deployment) -> None:
    first, second = deployment.send(opens=3), deployment.send(opens=2)
    deployment.invoke()
    deployment.invoke()
    received = [event["data"]["campaign_activity_id"] for event in deployment.received()]
    assert sorted(received) == sorted([first] * 3 + [second] * 2)


def test_an_open_between_two_polls_is_published_by_the_second(deployment: Deployment) -> None:
    activity_id = deployment.send(opens=1)
    deployment.invoke()
    deployment.vendor.world.add_open(activity_id, ANN)
    deployment.invoke()
    assert [event["subject"] for event in deployment.received()].count(ANN.contact_id) == 1


def test_an_event_contains_the_contact_the_activity_the_instant_and_the_device(
    deployment: Deployment,
) -> None:
    activity_id = deployment.send()
    deployment.vendor.world.add_open(activity_id, ANN, device_type="mobile")
    deployment.invoke()
    (event,) = deployment.received()
    assert event["data"] == {
        "contact_id": ANN.contact_id,
        "campaign_activity_id": activity_id,
        "email_address": ANN.email_address,
        "device_type": "mobile",
        "created_time": "2026-03-02T14:00:00Z",
        "occurrence": 1,
    }


def test_a_message_has_the_attributes_for_filter_policies(deployment: Deployment) -> None:
    activity_id = deployment.send(opens=1)
    deployment.clock.sleep(45)
    deployment.invoke()
    (message,) = deployment.messages()
    assert message["attributes"] == {
        "type": "email.opened",
        "account_id": ACCOUNT,
        "campaign_activity_id": activity_id,
        "device_type": "computer",
        "delay_seconds": "45",
        "first_open": "true",
    }


@pytest.mark.parametrize("device_type", [None, "", "fridge"])
def test_an_open_on_any_device_is_published(
    deployment: Deployment, device_type: str | None
) -> None:
    deployment.vendor.world.add_open(deployment.send(), ANN, device_type=device_type)
    deployment.invoke()
    (event,) = deployment.received()
    assert event["data"].get("device_type") == (device_type or None)


def test_two_identical_opens_are_published_as_two_occurrences(deployment: Deployment) -> None:
    activity_id = deployment.send()
    for _ in range(2):
        deployment.vendor.world.add_open(activity_id, ANN)
    deployment.invoke()
    assert sorted(event["data"]["occurrence"] for event in deployment.received()) == [1, 2]


@pytest.mark.parametrize(
    "address",
    [
        "żółć@例え.jp",
        "δοκιμή@παράδειγμα.gr",
        "😀🏳️‍🌈@example.org",
        "مثال@مثال.مصر",
        '"a\\"b c"@example.org',
    ],
)
def test_an_address_in_any_script_arrives_intact(deployment: Deployment, address: str) -> None:
    deployment.vendor.world.add_open(deployment.send(), Contact("contact", address))
    deployment.invoke()
    (event,) = deployment.received()
    assert event["data"]["email_address"] == address


def test_a_poll_without_new_opens_costs_one_request(deployment: Deployment) -> None:
    deployment.send(opens=3)
    deployment.invoke()
    assert deployment.invoke()["requests"] == 1


def test_a_poll_without_new_opens_publishes_nothing(deployment: Deployment) -> None:
    deployment.send(opens=3)
    deployment.invoke()
    deployment.received()
    deployment.invoke()
    assert deployment.received() == []


def test_a_late_open_on_the_first_page_is_found_by_the_next_poll(deployment: Deployment) -> None:
    activity_id = deployment.send(opens=1)
    deployment.invoke()
    an_hour_ago = deployment.clock.now() - timedelta(hours=1)
    deployment.vendor.world.add_open(activity_id, ANN, at=an_hour_ago)
    deployment.clock.sleep(60)
    assert deployment.invoke()["published"] == 1


def test_the_opens_around_a_malformed_row_are_published(deployment: Deployment) -> None:
    activity_id = deployment.send(opens=2)
    deployment.vendor.world.add_raw_row(activity_id, {"created_time": "yesterday"})
    deployment.vendor.world.add_open(activity_id, ANN)
    deployment.invoke()
    assert len(deployment.received()) == 3


def test_a_malformed_row_is_dead_lettered_once_with_the_reason(deployment: Deployment) -> None:
    activity_id = deployment.send()
    row = {"contact_id": "c", "email_address": ANN.email_address, "created_time": "yesterday"}
    deployment.vendor.world.add_raw_row(activity_id, row)
    deployment.invoke()
    deployment.invoke()
    (letter,) = deployment.dead_letters()
    assert letter["attributes"]["reason"].startswith("The row's created_time is not an instant")


def test_an_open_that_is_too_large_for_the_topic_is_dead_lettered_with_the_reason(
    deployment: Deployment,
) -> None:
    contact = Contact("contact", "a" * MOST_BYTES + "@example.org")
    deployment.vendor.world.add_open(deployment.send(), contact)
    deployment.invoke()
    (letter,) = deployment.dead_letters()
    assert "at most" in letter["attributes"]["reason"]
