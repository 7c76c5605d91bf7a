"""The window of published opens reads each hour that a walk needs once, and no other."""

from copy import replace

import pytest

from email_opens.events import event_id, fingerprint, row_fingerprint
from email_opens.model import Open, Page
from email_opens.published import PublishedWindow
from tests.contract.samples import ACTIVITY_ID
from tests.core.setup import RecordingLedger, at, first_occurrences, rejected, row


def mark(row: Open) -> bytes:
    return fingerprint(event_id(row, 1))


def page(*hours: float) -> Page:
    """Return a page with a row at half past each hour after noon."""
    return Page(None, tuple(row(hour * 60 + 30) for hour in hours))


@pytest.fixture
def ledger() -> RecordingLedger:
    return RecordingLedger()


@pytest.fixture
def window(ledger: RecordingLedger) -> PublishedWindow:
    return PublishedWindow(ledger, ACTIVITY_ID)


def test_the_window_holds_what_is_published_in_the_hours_of_a_page(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    ledger.publish(row(30), row(59, "bo"), row(90, "cy"))
    assert window.of(page(1, 0), None) == {
        "2026-03-02T12": {mark(row(30)), mark(row(59, "bo"))},
        "2026-03-02T13": {mark(row(90, "cy"))},
    }


def test_the_window_holds_no_opens_of_other_activities(ledger: RecordingLedger) -> None:
    ledger.publish(row(30))
    assert PublishedWindow(ledger, "another").of(page(0), None) == {}


def test_hours_below_the_floor_are_not_read(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    window.of(page(3, 2, 0), at(2 * 60 + 30))
    assert ledger.reads == [("14", "15")]


def test_a_page_below_the_floor_reads_nothing(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    window.of(page(2, 0), at(180))
    assert ledger.reads == []


@pytest.mark.parametrize(
    ("pages", "reads"),
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
def test_no_hour_is_read_twice(
    ledger: RecordingLedger,
    window: PublishedWindow,
    pages: list[Page],
    reads: list[tuple[str, str]],
) -> None:
    for each in pages:
        window.of(each, None)
    assert ledger.reads == reads


@pytest.mark.parametrize("minute", [250, 270.25, 270 + 1 / 60_000_000])
def test_an_hour_is_read_once_for_any_of_its_minutes(
    ledger: RecordingLedger, window: PublishedWindow, minute: float
) -> None:
    for each in (page(4), Page(None, (row(minute),)), page(4)):
        window.of(each, None)
    assert ledger.reads == [("16", "16")]


def test_a_page_can_extend_the_window_in_both_directions(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    ledger.publish(row(30), row(90), row(150))
    window.of(page(1), None)
    assert window.of(page(2, 0), None).keys() == {
        "2026-03-02T12",
        "2026-03-02T13",
        "2026-03-02T14",
    }


# --- Opens that were found but are not recorded yet ---


def test_noted_opens_are_in_the_window(window: PublishedWindow) -> None:
    window.of(page(0), None)
    window.note(first_occurrences(row(1), row(2, "bo")))
    assert window.of(page(0), None) == {"2026-03-02T12": {mark(row(1)), mark(row(2, "bo"))}}


def test_noted_opens_are_kept_when_their_hour_is_read_later(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    window.note(first_occurrences(row(1)))
    ledger.publish(row(2, "bo"))
    assert window.of(page(0), None) == {"2026-03-02T12": {mark(row(1)), mark(row(2, "bo"))}}


# --- Hours that are no longer needed ---


def test_hours_above_the_last_row_are_dropped(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    ledger.publish(row(30), row(90), row(150))
    window.of(page(2, 1, 0), None)
    window.forget([page(2), page(1)])
    assert window.of(Page(None, ()), None).keys() == {"2026-03-02T12", "2026-03-02T13"}


def test_a_dropped_hour_is_read_again(ledger: RecordingLedger, window: PublishedWindow) -> None:
    ledger.publish(row(90))
    window.of(page(1, 0), None)
    window.forget([page(1, 0)])
    again = window.of(page(1, 0), None)
    assert (ledger.reads, again) == (
        [("12", "13"), ("13", "13")],
        {"2026-03-02T13": {mark(row(90))}},
    )


def test_an_hour_that_was_not_dropped_is_not_read_again(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    window.of(page(2, 1, 0), None)
    window.forget([page(2, 1)])
    window.of(page(1, 0), None)
    assert ledger.reads == [("12", "14")]


def test_dropping_above_an_hour_out_of_order_does_not_count_it_as_read(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    window.of(page(1), None)
    window.forget([page(1, 3)])
    window.of(page(3), None)
    assert ledger.reads == [("13", "13"), ("14", "15")]


def test_a_last_page_without_rows_drops_nothing(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    ledger.publish(row(90))
    window.of(page(1, 0), None)
    window.forget([page(0), Page(None, ())])
    window.of(page(1, 0), None)
    assert ledger.reads == [("12", "13")]


def test_dropping_before_anything_was_read_changes_nothing(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    window.forget([page(1)])
    window.of(page(1), None)
    assert ledger.reads == [("13", "13")]


def test_a_walk_that_passed_its_floor_can_drop_hours(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    ledger.publish(row(90))
    window.of(page(1, -3), at(60))
    window.forget([page(1, -3)])
    assert window.of(Page(None, ()), None) == {}


# --- Rejected rows ---


def test_rejected_rows_are_new_once(window: PublishedWindow) -> None:
    first = Page(None, (), (rejected("a"), rejected("b"), rejected("a")))
    assert window.new_rejected(first) == [rejected("a"), rejected("b")]
    assert window.new_rejected(Page(None, (), (rejected("b"), rejected("c")))) == [rejected("c")]


def test_rejected_rows_in_the_ledger_are_not_new(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    ledger.append(ACTIVITY_ID, {"rejected": {row_fingerprint("a")}})
    page_of_two = Page(None, (), (rejected("a"), rejected("b")))
    assert window.new_rejected(page_of_two) == [rejected("b")]


def test_rejected_rows_are_read_once_and_only_when_a_page_has_any(
    ledger: RecordingLedger, window: PublishedWindow
) -> None:
    window.new_rejected(page(1))
    assert ledger.reads == []
    for _ in range(2):
        window.new_rejected(Page(None, (), (rejected("a"),)))
    assert ledger.reads == [("rejected", "rejected")]


def test_a_rejected_row_is_new_once_however_its_text_changes(window: PublishedWindow) -> None:
    rows = [replace(rejected("a"), row=text) for text in ("first", "second")]
    assert window.new_rejected(Page(None, (), tuple(rows))) == rows[:1]
