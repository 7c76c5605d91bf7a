"""The part of the ledger that a walk needs now: read once, and no more than that."""

import pytest

from email_opens.events import event_id, fingerprint, row_fingerprint
from email_opens.model import Open, Page
from email_opens.published import PublishedWindow
from tests.contract.samples import ACTIVITY_ID
from tests.core.setup import AskedLedger, at, found, rejected, row


def mark(one: Open) -> bytes:
    return fingerprint(event_id(one, 1))


def page(*hours: float) -> Page:
    """Return a page with a row at half past each hour after noon."""
    return Page(None, tuple(row(hour * 60 + 30) for hour in hours))


@pytest.fixture
def ledger() -> AskedLedger:
    return AskedLedger()


@pytest.fixture
def known(ledger: AskedLedger) -> PublishedWindow:
    return PublishedWindow(ledger, ACTIVITY_ID)


def test_what_is_published_in_the_hours_of_a_page_is_known(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    ledger.publish(row(30), row(59, "bo"), row(90, "cy"))
    assert known.of(page(1, 0), None) == {
        "2026-03-02T12": {mark(row(30)), mark(row(59, "bo"))},
        "2026-03-02T13": {mark(row(90, "cy"))},
    }


def test_another_activitys_opens_are_not_known(ledger: AskedLedger) -> None:
    ledger.publish(row(30))
    assert PublishedWindow(ledger, "another").of(page(0), None) == {}


def test_hours_below_the_floor_are_not_asked_for(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    known.of(page(3, 2, 0), at(2 * 60 + 30))
    assert ledger.asked == [("14", "15")]


def test_a_page_below_the_floor_asks_nothing(ledger: AskedLedger, known: PublishedWindow) -> None:
    known.of(page(2, 0), at(180))
    assert ledger.asked == []


@pytest.mark.parametrize(
    ("pages", "asked"),
    [
        ([page(5, 4), page(5, 4)], [("16", "17")]),
        ([page(5, 4), page(4)], [("16", "17")]),
        ([page(4), page(4, 3)], [("16", "16"), ("15", "15")]),
        ([page(4), page(5, 4)], [("16", "16"), ("17", "17")]),
        ([page(4), page(6, 2)], [("16", "16"), ("17", "18"), ("14", "15")]),
        ([page(4), page(3)], [("16", "16"), ("15", "15")]),
        ([page(6), page(3, 2), page(4)], [("18", "18"), ("14", "15"), ("16", "16")]),
        ([page(4), page(5), page(4, 3), page(5, 3)], [("16", "16"), ("17", "17"), ("15", "15")]),
    ],
)
def test_no_hour_is_asked_for_twice(
    ledger: AskedLedger, known: PublishedWindow, pages: list[Page], asked: list[tuple[str, str]]
) -> None:
    for one in pages:
        known.of(one, None)
    assert ledger.asked == asked


@pytest.mark.parametrize("minute", [250, 270.25, 270 + 1 / 60_000_000])
def test_an_hour_is_asked_for_once_whatever_its_minutes(
    ledger: AskedLedger, known: PublishedWindow, minute: float
) -> None:
    for one in (page(4), Page(None, (row(minute),)), page(4)):
        known.of(one, None)
    assert ledger.asked == [("16", "16")]


def test_a_page_that_reaches_both_ways_knows_all_its_hours(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    ledger.publish(row(30), row(90), row(150))
    known.of(page(1), None)
    assert known.of(page(2, 0), None).keys() == {
        "2026-03-02T12",
        "2026-03-02T13",
        "2026-03-02T14",
    }


# --- What was found, and is not recorded yet ---


def test_what_was_found_is_known(known: PublishedWindow) -> None:
    known.of(page(0), None)
    known.note(found(row(1), row(2, "bo")))
    assert known.of(page(0), None) == {"2026-03-02T12": {mark(row(1)), mark(row(2, "bo"))}}


def test_what_was_found_stays_known_beside_what_the_ledger_tells_later(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    known.note(found(row(1)))
    ledger.publish(row(2, "bo"))
    assert known.of(page(0), None) == {"2026-03-02T12": {mark(row(1)), mark(row(2, "bo"))}}


# --- What is recorded, and not needed any more ---


def test_hours_above_the_last_row_are_forgotten(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    ledger.publish(row(30), row(90), row(150))
    known.of(page(2, 1, 0), None)
    known.forget([page(2), page(1)])
    assert known.of(Page(None, ()), None).keys() == {"2026-03-02T12", "2026-03-02T13"}


def test_a_forgotten_hour_is_asked_for_again(ledger: AskedLedger, known: PublishedWindow) -> None:
    ledger.publish(row(90))
    known.of(page(1, 0), None)
    known.forget([page(1, 0)])
    again = known.of(page(1, 0), None)
    assert (ledger.asked, again) == (
        [("12", "13"), ("13", "13")],
        {"2026-03-02T13": {mark(row(90))}},
    )


def test_an_hour_that_was_not_forgotten_is_not_asked_for_again(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    known.of(page(2, 1, 0), None)
    known.forget([page(2, 1)])
    known.of(page(1, 0), None)
    assert ledger.asked == [("12", "14")]


def test_forgetting_up_to_an_hour_out_of_order_makes_nothing_known(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    known.of(page(1), None)
    known.forget([page(1, 3)])
    known.of(page(3), None)
    assert ledger.asked == [("13", "13"), ("14", "15")]


def test_a_last_page_without_rows_forgets_nothing(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    ledger.publish(row(90))
    known.of(page(1, 0), None)
    known.forget([page(0), Page(None, ())])
    known.of(page(1, 0), None)
    assert ledger.asked == [("12", "13")]


def test_forgetting_before_anything_was_asked_changes_nothing(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    known.forget([page(1)])
    known.of(page(1), None)
    assert ledger.asked == [("13", "13")]


def test_a_walk_that_passed_its_floor_may_forget(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    ledger.publish(row(90))
    known.of(page(1, -3), at(60))
    known.forget([page(1, -3)])
    assert known.of(Page(None, ()), None) == {}


# --- Rows that are no opens ---


def test_rejected_rows_are_new_once(known: PublishedWindow) -> None:
    first = Page(None, (), (rejected("a"), rejected("b"), rejected("a")))
    assert known.new_rejected(first) == [rejected("a"), rejected("b")]
    assert known.new_rejected(Page(None, (), (rejected("b"), rejected("c")))) == [rejected("c")]


def test_rejected_rows_that_the_ledger_knows_are_not_new(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    ledger.append(ACTIVITY_ID, {"rejected": {row_fingerprint("a")}})
    page_of_two = Page(None, (), (rejected("a"), rejected("b")))
    assert known.new_rejected(page_of_two) == [rejected("b")]


def test_the_ledger_is_asked_for_rejected_rows_when_there_are_any_and_once(
    ledger: AskedLedger, known: PublishedWindow
) -> None:
    known.new_rejected(page(1))
    assert ledger.asked == []
    for _ in range(2):
        known.new_rejected(Page(None, (), (rejected("a"),)))
    assert ledger.asked == [("rejected", "rejected")]
