"""Opens on their way from the vendor's report to a subscribed queue."""

from datetime import timedelta

import pytest

from constant_contact_emulator import Contact
from email_opens.adapters.aws.publisher import MOST_BYTES
from email_opens.scheduling.lifecycle import SWEEP_EVERY
from tests.integration.deployed import ACCOUNT, Deployed

ANN = Contact("0f6b2c1e-0000-4000-8000-000000000001", "ann@example.org")


def test_of_every_activity_reach_a_subscriber_once(deployed: Deployed) -> None:
    first, second = deployed.send(opens=3), deployed.send(opens=2)
    deployed.invoke()
    deployed.invoke()
    received = [event["data"]["campaign_activity_id"] for event in deployed.received()]
    assert sorted(received) == sorted([first] * 3 + [second] * 2)


def test_that_come_between_two_polls_are_published_by_the_second(deployed: Deployed) -> None:
    activity_id = deployed.send(opens=1)
    deployed.invoke()
    deployed.vendor.world.add_open(activity_id, ANN)
    deployed.invoke()
    assert [event["subject"] for event in deployed.received()].count(ANN.contact_id) == 1


def test_carry_who_opened_what_when_and_on_what(deployed: Deployed) -> None:
    activity_id = deployed.send()
    deployed.vendor.world.add_open(activity_id, ANN, device_type="mobile")
    deployed.invoke()
    (event,) = deployed.received()
    assert event["data"] == {
        "contact_id": ANN.contact_id,
        "campaign_activity_id": activity_id,
        "email_address": ANN.email_address,
        "device_type": "mobile",
        "created_time": "2026-03-02T14:00:00Z",
        "occurrence": 1,
    }


def test_carry_what_filter_policies_look_at(deployed: Deployed) -> None:
    activity_id = deployed.send(opens=1)
    deployed.clock.sleep(45)
    deployed.invoke()
    (letter,) = deployed.letters()
    assert letter["attributes"] == {
        "type": "email.opened",
        "account_id": ACCOUNT,
        "campaign_activity_id": activity_id,
        "device_type": "computer",
        "delay_seconds": "45",
    }


@pytest.mark.parametrize("device_type", [None, "", "fridge"])
def test_on_any_device_are_published(deployed: Deployed, device_type: str | None) -> None:
    deployed.vendor.world.add_open(deployed.send(), ANN, device_type=device_type)
    deployed.invoke()
    (event,) = deployed.received()
    assert event["data"].get("device_type") == (device_type or None)


def test_that_are_alike_are_two(deployed: Deployed) -> None:
    activity_id = deployed.send()
    for _ in range(2):
        deployed.vendor.world.add_open(activity_id, ANN)
    deployed.invoke()
    assert sorted(event["data"]["occurrence"] for event in deployed.received()) == [1, 2]


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
def test_of_an_address_in_any_script_arrive_intact(deployed: Deployed, address: str) -> None:
    deployed.vendor.world.add_open(deployed.send(), Contact("contact", address))
    deployed.invoke()
    (event,) = deployed.received()
    assert event["data"]["email_address"] == address


def test_nothing_new_costs_one_request(deployed: Deployed) -> None:
    deployed.send(opens=3)
    deployed.invoke()
    assert deployed.invoke()["requests"] == 1


def test_nothing_new_publishes_nothing(deployed: Deployed) -> None:
    deployed.send(opens=3)
    deployed.invoke()
    deployed.received()
    deployed.invoke()
    assert deployed.received() == []


def test_that_are_late_are_found_by_a_sweep(deployed: Deployed) -> None:
    activity_id = deployed.send(opens=1)
    deployed.invoke()
    an_hour_ago = deployed.clock.now() - timedelta(hours=1)
    deployed.vendor.world.add_open(activity_id, ANN, at=an_hour_ago)
    tail = deployed.invoke()["published"]
    deployed.clock.sleep(SWEEP_EVERY.total_seconds())
    assert (tail, deployed.invoke()["published"]) == (0, 1)


def test_around_a_row_that_is_no_open_are_published(deployed: Deployed) -> None:
    activity_id = deployed.send(opens=2)
    deployed.vendor.world.add_raw_row(activity_id, {"created_time": "yesterday"})
    deployed.vendor.world.add_open(activity_id, ANN)
    deployed.invoke()
    assert len(deployed.received()) == 3


def test_a_row_that_is_no_open_is_set_aside_once_with_its_reason(deployed: Deployed) -> None:
    activity_id = deployed.send()
    row = {"contact_id": "c", "email_address": ANN.email_address, "created_time": "yesterday"}
    deployed.vendor.world.add_raw_row(activity_id, row)
    deployed.invoke()
    deployed.invoke()
    (letter,) = deployed.dead_letters()
    assert letter["attributes"]["reason"].startswith("The row's created_time is not an instant")


def test_that_the_topic_cannot_take_are_set_aside_with_the_reason(deployed: Deployed) -> None:
    contact = Contact("contact", "a" * MOST_BYTES + "@example.org")
    deployed.vendor.world.add_open(deployed.send(), contact)
    deployed.invoke()
    (letter,) = deployed.dead_letters()
    assert "at most" in letter["attributes"]["reason"]
