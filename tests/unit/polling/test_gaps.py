"""A burst becomes a gap, and a later stretch goes on with it."""

from contextlib import nullcontext
from copy import replace

import pytest

from email_opens.errors import PagingBroken
from email_opens.model import Gap, Page
from email_opens.polling.gaps import PATIENCE, Stretch, advance
from email_opens.polling.poller import PAGES_IN_HAND
from tests.contract.samples import varied
from tests.core.setup import (
    FIVE_PAGES,
    LEASE,
    Core,
    RecordingLedger,
    at,
    published_opens,
    rejected,
    report_of,
    row,
)


@pytest.fixture
def core() -> Core:
    core = Core()
    core.track()
    return core


def test_a_burst_is_published_down_to_the_pages_in_hand(core: Core) -> None:
    walk = core.walk()
    core.work(report_of(*FIVE_PAGES), walk)
    assert published_opens(core) == [("ann", 2), ("ann", 3), ("ann", 4), ("ann", 5)]


def test_what_is_left_of_a_burst_is_a_gap_at_the_last_page_worked(core: Core) -> None:
    assert PAGES_IN_HAND == 4
    walk = core.walk(floor=at(0))
    core.work(report_of(*FIVE_PAGES), walk)
    assert core.activity().progress.gaps == (Gap(at(0), at(2), "4", rows_above=3, reached=at(2)),)


def test_a_gap_reads_its_last_page_again_and_goes_on(core: Core) -> None:
    report = report_of(*FIVE_PAGES)
    core.work(report, core.walk())
    report.links.clear()
    (gap,) = core.activity().progress.gaps
    core.work(report, core.walk(gap=gap))
    assert (report.links, published_opens(core)[4:]) == (["4", "5"], [("ann", 1)])


def test_a_gap_keeps_what_a_newer_version_has_stored_with_it(core: Core) -> None:
    report = report_of(*FIVE_PAGES)
    core.work(report, core.walk())
    activity = core.activity()
    (gap,) = activity.progress.gaps
    gap = replace(gap, unknown={"depth": {"N": "3"}})
    stored = replace(activity, progress=replace(activity.progress, gaps=(gap,)))
    left = Stretch(top=gap.ceiling, bottom=at(1), newest=at(2), link="4", ended=False)
    (narrower,) = advance(stored, left, None, gap, at(9))[0].progress.gaps
    (wider,) = advance(stored, replace(left, top=None), None, None, at(9))[0].progress.gaps
    assert (narrower.unknown, wider.unknown) == (gap.unknown, gap.unknown)


def test_a_gap_that_was_worked_to_its_end_is_closed(core: Core) -> None:
    report = report_of(*FIVE_PAGES)
    core.work(report, core.walk())
    (gap,) = core.activity().progress.gaps
    walk = core.walk(gap=gap)
    core.work(report, walk)
    activity = core.activity()
    assert (activity.progress.gaps, activity.counts.reported, walk.done) == ((), 5, True)


def test_a_walk_under_way_reads_no_page_twice(core: Core) -> None:
    report, walk = report_of(*FIVE_PAGES), core.walk()
    core.work(report, walk)
    core.work(report, walk)
    assert report.links == [None, "2", "3", "4", "5"]


def test_the_walk_of_a_gap_does_not_move_the_watermark(core: Core) -> None:
    gap = Gap(None, at(2), "2")
    core.tracking.save(varied(core.activity(), watermark=at(1), gaps=(gap,)))
    report = report_of((row(9),), (row(3), row(2)))
    core.work(report, core.walk(gap=gap))
    assert core.activity().progress.watermark == at(1)


def test_a_gaps_page_that_lost_its_place_is_read_from_the_head(core: Core) -> None:
    gap = Gap(None, at(2), "2", rows_above=9)
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    report = report_of((row(3),), (row(1),))
    core.work(report, core.walk(gap=gap))
    assert (report.links, published_opens(core), core.activity().counts.reported) == (
        ["2", None, "2"],
        [("ann", 1), ("ann", 3)],
        2,
    )


@pytest.mark.parametrize(
    ("failures", "links", "left"),
    [(PATIENCE - 2, ["2", None, "2"], 0), (PATIENCE - 1, ["2"], PATIENCE)],
)
def test_a_page_that_loses_its_place_again_and_again_is_a_failure(
    core: Core, failures: int, links: list[str | None], left: int
) -> None:
    gap = Gap(None, at(2), "2", rows_above=9, failures=failures)
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    report = report_of((row(3),), (row(1),))
    lost = r"\(A next link leads to other rows than before\)"
    with pytest.raises(PagingBroken, match=lost) if left else nullcontext():
        core.work(report, core.walk(gap=gap))
    assert report.links == links
    assert sum(gap.failures for gap in core.activity().progress.gaps) == left


def test_a_gap_without_a_link_counts_from_the_head(core: Core) -> None:
    gap = Gap(None, at(2), None, rows_above=9)
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    core.work(report_of((row(3),), (row(1),)), core.walk(gap=gap))
    assert core.activity().counts.reported == 2


def test_a_walk_from_the_head_closes_the_gaps_that_it_has_read(core: Core) -> None:
    worked, other = Gap(at(0), at(2), None), Gap(at(1), at(5), "9")
    core.tracking.save(varied(core.activity(), gaps=(worked, other)))
    core.work(report_of((row(6),), (row(0),)), core.walk(floor=at(0), gap=worked))
    assert core.activity().progress.gaps == ()


def test_a_walk_from_a_gaps_page_keeps_the_gaps_above_it(core: Core) -> None:
    worked, other = Gap(at(0), at(2), "2"), Gap(at(1), at(5), "9")
    core.tracking.save(varied(core.activity(), gaps=(worked, other)))
    core.work(report_of((row(6),), (row(3), row(0))), core.walk(floor=at(0), gap=worked))
    assert core.activity().progress.gaps == (other,)


def test_a_gap_of_a_walk_within_another_is_not_gone_on_with(core: Core) -> None:
    other = Gap(None, None, None)
    core.tracking.save(varied(core.activity(), gaps=(other,)))
    walk = core.walk(floor=at(0))
    core.work(report_of(*FIVE_PAGES), walk)
    assert (walk.done, core.activity().progress.gaps) == (True, (other,))


def test_a_gap_remembers_the_rows_above_its_page_and_no_others(core: Core) -> None:
    report = report_of(*FIVE_PAGES)
    report.pages["4"] = Page("4", (row(2),), (rejected("a"), rejected("b")), next_link="5")
    report.pages["3"] = Page("3", (row(3),), (rejected("c"),), next_link="4")
    core.work(report, core.walk())
    assert [gap.rows_above for gap in core.activity().progress.gaps] == [4]


def test_a_gaps_page_reads_no_ledger_below_its_floor(core: Core) -> None:
    core.ledger = ledger = RecordingLedger()
    gap = Gap(at(120), at(130), "2")
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    core.work(report_of((), (row(130), row(0))), core.walk(floor=at(120), gap=gap))
    assert set(ledger.reads) == {("14", "14")}


def test_each_request_of_a_gap_that_lost_its_place_knows_the_end_of_the_time(core: Core) -> None:
    gap = Gap(None, at(2), "2")
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    report = report_of((row(3),), (row(1),))
    core.work(report, core.walk(gap=gap))
    assert report.deadlines == {core.clock.now() + LEASE}
