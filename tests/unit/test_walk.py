"""What is new on a page, when a walk ends, and what it leaves behind."""

from collections.abc import Mapping
from copy import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.events import bucket, event_id, fingerprint
from email_opens.model import LEDGER_KEPT, Depth, Gap, NewOpen, Open, Page
from email_opens.walk import ended, floor_of, in_minute, new_opens, passed, shifted
from tests.contract.samples import ACTIVITY, varied
from tests.core.setup import LOOKBACK, at, row

INSTANT = timedelta(microseconds=1)
NOW = at(120)
READ = varied(ACTIVITY, watermark=at(60))


def ledger(*opens: tuple[Open, int]) -> Mapping[str, set[bytes]]:
    """Return a ledger that knows occurrences of opens."""
    known: dict[str, set[bytes]] = {}
    for one, occurrence in opens:
        mark = fingerprint(event_id(one, occurrence))
        known.setdefault(bucket(one.created_time), set()).add(mark)
    return known


def counts(found: list[NewOpen]) -> list[tuple[str, int]]:
    return [(new.open.contact_id, new.occurrence) for new in found]


# --- Floors ---


@pytest.mark.parametrize("depth", Depth)
def test_a_first_read_goes_down_to_where_tracking_starts(depth: Depth) -> None:
    assert floor_of(replace(ACTIVITY, tracked_from=at(5)), depth, LOOKBACK, NOW) == at(5)


@pytest.mark.parametrize(
    ("depth", "floor"),
    [(Depth.TAIL, at(60)), (Depth.SWEEP, at(-60)), (Depth.AUDIT, None)],
)
def test_each_depth_has_its_floor(depth: Depth, floor: datetime | None) -> None:
    assert floor_of(READ, depth, LOOKBACK, NOW) == floor


@pytest.mark.parametrize(
    ("depth", "floor"),
    [(Depth.TAIL, at(60)), (Depth.SWEEP, at(0)), (Depth.AUDIT, at(0))],
)
def test_no_floor_lies_below_the_start_of_tracking(depth: Depth, floor: datetime) -> None:
    assert floor_of(replace(READ, tracked_from=at(0)), depth, LOOKBACK, NOW) == floor


REMEMBERED = timedelta(days=399)
"""A day less than the ledger keeps what it knows."""


@pytest.mark.parametrize(
    ("tracked_for", "floor"),
    [(REMEMBERED, None), (REMEMBERED + INSTANT, NOW - REMEMBERED)],
)
def test_an_audit_stops_where_the_ledger_may_have_forgotten(
    tracked_for: timedelta, floor: datetime | None
) -> None:
    assert timedelta(days=400) == LEDGER_KEPT
    activity = replace(READ, tracked_at=NOW - tracked_for)
    assert floor_of(activity, Depth.AUDIT, LOOKBACK, NOW) == floor


@pytest.mark.parametrize("depth", Depth)
def test_no_walk_of_an_old_send_goes_below_what_the_ledger_remembers(depth: Depth) -> None:
    old = varied(ACTIVITY, watermark=NOW - timedelta(days=450), tracked_at=NOW - 2 * REMEMBERED)
    assert floor_of(old, depth, LOOKBACK, NOW) == NOW - REMEMBERED


# --- New opens ---


def test_a_row_that_the_ledger_does_not_know_is_new() -> None:
    one = row(1)
    assert new_opens(Page(None, (one,)), None, {}) == [NewOpen(event_id(one, 1), 1, one)]


def test_a_row_that_the_ledger_knows_is_not_new() -> None:
    assert new_opens(Page(None, (row(1),)), None, ledger((row(1), 1))) == []


def test_a_tie_behind_a_known_one_is_new() -> None:
    page = Page(None, (row(1, "bo"), row(1, "ann")))
    assert counts(new_opens(page, None, ledger((row(1, "bo"), 1)))) == [("ann", 1)]


def test_three_rows_alike_against_one_in_the_ledger_are_occurrences_2_and_3() -> None:
    page = Page(None, (row(1), row(1), row(1)))
    assert counts(new_opens(page, None, ledger((row(1), 1)))) == [("ann", 2), ("ann", 3)]


@pytest.mark.parametrize("other", [row(1, "bo"), row(2), row(1, device=None)])
def test_rows_that_differ_are_counted_apart(other: Open) -> None:
    found = new_opens(Page(None, (other, row(1))), None, {})
    assert [new.occurrence for new in found] == [1, 1]


def test_new_opens_come_oldest_first() -> None:
    page = Page(None, (row(3, "cy"), row(2, "bo"), row(1, "ann")))
    assert counts(new_opens(page, None, {})) == [("ann", 1), ("bo", 1), ("cy", 1)]


def test_a_row_at_the_floor_is_new_and_one_below_it_is_not() -> None:
    page = Page(None, (row(2, "bo"), row(1, "ann")))
    assert counts(new_opens(page, at(2), {})) == [("bo", 1)]


def test_rows_below_the_floor_hide_none_above_it() -> None:
    page = Page(None, (row(1, "ann"), row(3, "cy"), row(2, "bo")))
    assert counts(new_opens(page, at(2), {})) == [("bo", 1), ("cy", 1)]


rows = st.builds(
    row, st.integers(0, 3), st.sampled_from(["ann", "bo"]), st.sampled_from([None, "mobile"])
)
pages = st.lists(rows, max_size=12).map(
    lambda found: tuple(sorted(found, key=lambda one: one.created_time, reverse=True))
)


@given(pages)
def test_each_row_of_a_page_is_one_event(opens: tuple[Open, ...]) -> None:
    identities = {new.event_id for new in new_opens(Page(None, opens), None, {})}
    assert len(identities) == len(opens)


@given(pages, st.randoms())
def test_the_order_of_ties_changes_no_event(opens: tuple[Open, ...], random: object) -> None:
    shuffled = list(opens)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    shuffled.sort(key=lambda one: one.created_time, reverse=True)
    found, again = (
        {new.event_id for new in new_opens(Page(None, tuple(each)), None, {})}
        for each in (opens, shuffled)
    )
    assert found == again


@given(pages, pages)
def test_what_was_published_and_came_again_is_not_new(
    old: tuple[Open, ...], more: tuple[Open, ...]
) -> None:
    known = ledger(*((new.open, new.occurrence) for new in new_opens(Page(None, old), None, {})))
    both = tuple(sorted(old + more, key=lambda one: one.created_time, reverse=True))
    assert len(new_opens(Page(None, both), None, known)) == len(more)


# --- The end of a walk ---


@pytest.mark.parametrize(
    ("last", "next_link", "expected"),
    [(0, "2", True), (1, "2", False), (2, "2", False), (2, None, True)],
)
def test_a_walk_ends_below_its_floor_or_with_the_report(
    last: float, next_link: str | None, expected: bool
) -> None:
    page = Page(None, (row(3), row(last)), next_link=next_link)
    assert ended(page, at(1)) is expected


def test_a_walk_without_a_floor_goes_on_to_the_end_of_the_report() -> None:
    assert not ended(Page(None, (row(1),), next_link="2"), None)


def test_an_empty_page_with_a_next_link_ends_no_walk() -> None:
    assert not ended(Page(None, (), next_link="2"), at(1))


@pytest.mark.parametrize(("last", "expected"), [(0, True), (1, False)])
def test_a_link_that_leads_astray_ends_no_walk_above_its_floor(last: float, expected: bool) -> None:
    assert ended(Page(None, (row(last),), astray="Elsewhere."), at(1)) is expected


def test_an_empty_page_passes_nothing() -> None:
    assert passed(Page(None, ()), at(1)) is False


# --- A gap's page that is not where it was ---

GAP = Gap(floor=None, ceiling=at(5), link="2")


@pytest.mark.parametrize("first", [6, 5])
def test_a_gaps_page_that_begins_above_or_with_what_is_known_has_its_place(first: float) -> None:
    page = Page("2", (row(first), row(1)))
    assert not shifted(page, GAP, ledger((row(5), 1)))


def test_a_gaps_page_that_begins_below_its_ceiling_is_not_where_it_was() -> None:
    assert shifted(Page("2", (row(4),)), GAP, ledger((row(4), 1)))


@pytest.mark.parametrize("known", [ledger(), ledger((row(5, "bo"), 1)), ledger((row(5), 2))])
def test_a_gaps_page_that_begins_with_an_unknown_tie_is_not_where_it_was(
    known: Mapping[str, set[bytes]],
) -> None:
    assert shifted(Page("2", (row(5),)), GAP, known)


def test_a_gaps_page_that_became_empty_is_not_where_it_was() -> None:
    assert shifted(Page("2", ()), GAP, {})


@pytest.mark.parametrize("gap", [replace(GAP, link=None), replace(GAP, ceiling=None)])
def test_a_gap_from_the_head_has_no_place_to_lose(gap: Gap) -> None:
    assert not shifted(Page(None, ()), gap, {})


@pytest.mark.parametrize(
    ("minutes", "lies"),
    [((5,), True), ((5, 5.99), True), ((4.99, 5), False), ((5, 6), False), ((), False)],
)
def test_a_page_lies_in_a_minute_if_all_its_rows_do(minutes: tuple[float, ...], lies: bool) -> None:
    page = Page(None, tuple(row(minute) for minute in minutes))
    assert in_minute(page, at(5)) is lies
