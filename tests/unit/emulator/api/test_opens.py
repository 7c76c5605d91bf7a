"""The opens report: its rows, its order, and what may change between two requests."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from constant_contact_emulator import LastPage, Paging, Row, Ties, TimeFormat
from tests.unit.emulator.conftest import START, Vendor, next_link, opens_path

MINUTE = timedelta(minutes=1)


def contacts(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["email_address"].removeprefix("contact").split("@")[0]) for row in rows]


def fill(vendor: Vendor, count: int, *, apart: timedelta = MINUTE) -> str:
    """Send an activity with opens of contacts 0, 1, …, the last of them the newest."""
    activity_id = vendor.activity()
    for number in range(count):
        vendor.emulator.world.add_open(
            activity_id, number, at=START - timedelta(hours=1) + apart * number
        )
    return activity_id


def test_a_row_is_written_as_the_vendor_writes_it(vendor: Vendor) -> None:
    activity_id = vendor.activity()
    vendor.emulator.world.add_open(activity_id, 0, device_type="mobile")

    (row,) = vendor.head(activity_id)["tracking_activities"]

    assert row == {
        "contact_id": "00000000-0000-4000-8000-000000000000",
        "campaign_activity_id": activity_id,
        "tracking_activity_type": "em_opens",
        "email_address": "contact0@example.com",
        "first_name": "Contact0",
        "last_name": "Example",
        "device_type": "mobile",
        "created_time": "2026-03-02T14:00:00.000Z",
    }


def test_a_row_may_be_without_a_device(vendor: Vendor) -> None:
    activity_id = vendor.activity()
    vendor.emulator.world.add_open(activity_id, 0, device_type=None)
    assert "device_type" not in vendor.head(activity_id)["tracking_activities"][0]


def test_unknown_fields_come_when_they_are_asked_for(vendor: Vendor) -> None:
    activity_id = fill(vendor, 1)
    vendor.emulator.world.behaviour.unknown_fields = True
    page = vendor.head(activity_id)
    assert "report_version" in page
    assert "opened_through" in page["tracking_activities"][0]


def test_a_broken_row_is_shown_word_for_word(vendor: Vendor) -> None:
    activity_id = vendor.activity()
    vendor.emulator.world.add_raw_row(activity_id, {"contact_id": 7, "created_time": "yesterday"})
    rows = vendor.head(activity_id)["tracking_activities"]
    assert rows == [{"contact_id": 7, "created_time": "yesterday"}]


def test_an_activity_that_was_never_sent_has_an_empty_report(vendor: Vendor) -> None:
    activity_id = vendor.emulator.world.add_campaign().activity_id
    assert vendor.head(activity_id)["tracking_activities"] == []


def test_the_newest_row_is_the_first(vendor: Vendor) -> None:
    assert contacts(vendor.walk(fill(vendor, 5))) == [4, 3, 2, 1, 0]


def test_instants_are_written_in_each_form_in_turn(vendor: Vendor) -> None:
    activity_id = fill(vendor, 3, apart=timedelta(0))
    vendor.emulator.world.behaviour.time_formats = tuple(TimeFormat)
    times = [row["created_time"] for row in vendor.walk(activity_id)]
    assert times == [
        "2026-03-02T13:00:30.000Z",
        "2026-03-02T13:00:30Z",
        "2026-03-02T08:00:30-05:00",
    ]


@pytest.mark.parametrize("paging", Paging)
def test_pages_join_into_the_whole_report(vendor: Vendor, paging: Paging) -> None:
    activity_id = fill(vendor, 23, apart=timedelta(0))
    vendor.emulator.world.behaviour.paging = paging
    assert sorted(contacts(vendor.walk(activity_id, limit=5))) == list(range(23))


def test_a_report_that_ends_with_a_page_has_no_further_link(vendor: Vendor) -> None:
    page = vendor.head(fill(vendor, 5), limit=5)
    assert next_link(page) is None


def test_the_next_link_is_relative_and_opaque(vendor: Vendor) -> None:
    href = next_link(vendor.head(fill(vendor, 5), limit=2))
    assert href is not None
    path, _, query = href.partition("?next=")
    assert path.startswith("/v3/reports/email_reports/")
    assert query.isascii()
    assert "limit" not in query


def test_each_form_of_a_last_page_has_its_turn(vendor: Vendor) -> None:
    activity_id = fill(vendor, 1)
    seen = [
        {name: value for name, value in vendor.head(activity_id).items() if name == "_links"}
        for _ in LastPage
    ]
    assert seen == [
        {},
        {"_links": None},
        {"_links": {}},
        {"_links": {"next": None}},
        {"_links": {"next": {"href": None}}},
    ]


@pytest.mark.parametrize(
    ("paging", "second"),
    [(Paging.OFFSET, [2, 1]), (Paging.KEYSET, [1, 0]), (Paging.SNAPSHOT, [1, 0])],
)
def test_only_an_offset_repeats_a_row_when_an_open_arrives_between_two_pages(
    vendor: Vendor, paging: Paging, second: list[int]
) -> None:
    activity_id = fill(vendor, 4)
    vendor.emulator.world.behaviour.paging = paging
    first = vendor.head(activity_id, limit=2)
    vendor.emulator.world.add_open(activity_id, 9)

    href = next_link(first)
    assert href
    assert contacts(vendor.get(href).json()["tracking_activities"]) == second


@pytest.mark.parametrize(
    ("paging", "second"),
    [(Paging.OFFSET, [0]), (Paging.KEYSET, [1, 0]), (Paging.SNAPSHOT, [1, 0])],
)
def test_only_an_offset_skips_a_row_when_one_is_withdrawn_between_two_pages(
    vendor: Vendor, paging: Paging, second: list[int]
) -> None:
    activity_id = fill(vendor, 4)
    vendor.emulator.world.behaviour.paging = paging
    first = vendor.head(activity_id, limit=2)
    assert vendor.emulator.world.withdraw(activity_id) == 1

    href = next_link(first)
    assert href
    assert contacts(vendor.get(href).json()["tracking_activities"]) == second


def test_opens_can_arrive_by_a_hook_before_a_request(vendor: Vendor) -> None:
    activity_id = vendor.activity()
    world = vendor.emulator.world

    def arrive(_method: str, _target: str) -> None:
        world.add_open(activity_id, 3)

    world.before_request(arrive)
    assert len(vendor.head(activity_id)["tracking_activities"]) == 1
    assert len(vendor.head(activity_id)["tracking_activities"]) == 2


@pytest.mark.parametrize(
    ("ties", "expected"), [(Ties.NEWEST_FIRST, [2, 1, 0]), (Ties.OLDEST_FIRST, [0, 1, 2])]
)
def test_ties_stand_in_the_order_that_is_chosen(
    vendor: Vendor, ties: Ties, expected: list[int]
) -> None:
    vendor.emulator.world.behaviour.ties = ties
    assert contacts(vendor.walk(fill(vendor, 3, apart=timedelta(0)))) == expected


def test_shuffled_ties_change_their_order_from_request_to_request(vendor: Vendor) -> None:
    activity_id = fill(vendor, 30, apart=timedelta(0))
    vendor.emulator.world.behaviour.ties = Ties.SHUFFLED
    first, second = contacts(vendor.walk(activity_id)), contacts(vendor.walk(activity_id))
    assert first != second
    assert sorted(first) == sorted(second)


def test_shuffled_ties_never_leave_their_instant(vendor: Vendor) -> None:
    activity_id = vendor.activity()
    for number in range(40):
        vendor.emulator.world.add_open(activity_id, number, at=START - MINUTE * (number // 8))
    vendor.emulator.world.behaviour.ties = Ties.SHUFFLED
    times = [row["created_time"] for row in vendor.walk(activity_id, limit=7)]
    assert times == sorted(times, reverse=True)
    assert len(times) == 40


def test_identical_rows_are_two_rows(vendor: Vendor) -> None:
    activity_id = vendor.activity()
    for _ in range(2):
        vendor.emulator.world.add_open(activity_id, 1)
    one, two = vendor.walk(activity_id)
    assert one == two


def test_a_late_row_appears_below_rows_that_were_already_read(vendor: Vendor) -> None:
    activity_id = fill(vendor, 3)
    vendor.emulator.world.add_open(
        activity_id, 9, at=START - timedelta(hours=1), visible_from=START + MINUTE
    )
    before = contacts(vendor.walk(activity_id))
    vendor.clock.advance(MINUTE)
    assert (before, contacts(vendor.walk(activity_id))) == ([2, 1, 0], [2, 1, 9, 0])


@pytest.mark.parametrize("limit", ["0", "501", "-1", "many", ""])
def test_a_limit_beyond_the_vendors_is_refused(vendor: Vendor, limit: str) -> None:
    path = opens_path(vendor.activity()).partition("=")[0]
    reply = vendor.get(f"{path}={limit}")
    assert reply.status_code == 400
    assert isinstance(reply.json(), list)


@pytest.mark.parametrize("link", ["!!!", "YWJj", "bGltaXQ9MCZvPTA", "bGltaXQ9eA"])
def test_an_altered_link_is_refused(vendor: Vendor, link: str) -> None:
    path = opens_path(vendor.activity()).partition("?")[0]
    assert vendor.get(f"{path}?next={link}").status_code == 400


@pytest.mark.parametrize("status", [400, 404])
def test_a_link_dies_at_the_age_that_is_chosen(vendor: Vendor, status: int) -> None:
    activity_id = fill(vendor, 3)
    vendor.emulator.world.behaviour.link_lifetime = timedelta(minutes=10)
    vendor.emulator.world.behaviour.expired_link_status = status
    href = next_link(vendor.head(activity_id, limit=2))
    assert href
    alive = vendor.get(href).status_code
    vendor.clock.advance(timedelta(minutes=11))
    assert (alive, vendor.get(href).status_code) == (200, status)


def test_a_page_of_a_long_report_is_quick(vendor: Vendor) -> None:
    activity_id = vendor.activity()
    (contact,) = vendor.emulator.world.contacts(1)
    begin = datetime(2026, 2, 1, tzinfo=UTC)
    vendor.emulator.world.add_rows(
        activity_id,
        [Row(contact, begin + timedelta(seconds=n // 3), "mobile") for n in range(200_000)],
    )
    page = vendor.head(activity_id)
    took_seconds = []
    for _ in range(20):
        href = next_link(page)
        assert href
        began = time.perf_counter()
        page = vendor.get(href).json()
        took_seconds.append(time.perf_counter() - began)
    # Some 3 ms on one core; the bound only tells a slice from a sort.
    assert min(took_seconds) < 0.03
