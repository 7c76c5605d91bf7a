"""Requests that fail in the middle of a walk."""

from copy import replace

import pytest

from email_opens.errors import LinkExpired, OutOfTime, PagingBroken, ReportUnavailable
from email_opens.events import bucket, event_id, fingerprint
from email_opens.model import Gap, Page
from tests.contract.samples import ACTIVITY_ID, varied
from tests.core.setup import FIVE_PAGES, Core, Pages, at, published_opens, report_of, row

MESSAGE = (
    "A part of the report cannot be read: 3 attempts in a row made no progress "
    "(A next link no longer works). The next attempt begins at 2026-03-02T14:01:00Z."
)
CIRCLE = r"^A next link of the report leads back to a page already read\.$"


@pytest.fixture
def core() -> Core:
    core = Core()
    core.track()
    return core


def test_what_was_read_before_a_failing_request_is_published(core: Core) -> None:
    report = report_of(*FIVE_PAGES)
    report.pages["3"] = ReportUnavailable("The vendor answered 503.")
    with pytest.raises(ReportUnavailable):
        core.work(report, core.walk())
    activity = core.activity()
    assert (
        published_opens(core),
        activity.progress.gaps,
        activity.progress.watermark,
        activity.last_error,
    ) == (
        [("ann", 4), ("ann", 5)],
        (Gap(None, at(4), "2", rows_above=1, reached=at(4), failures=1),),
        at(5),
        "The vendor answered 503.",
    )


def test_a_first_request_that_fails_changes_nothing(core: Core) -> None:
    before = core.activity()
    with pytest.raises(ReportUnavailable):
        core.work(Pages({None: ReportUnavailable("503")}), core.walk())
    assert core.activity() == before


@pytest.fixture
def circle() -> Pages:
    """Return a report whose last page leads back to its second."""
    report = report_of(*FIVE_PAGES[:3])
    report.pages["3"] = Page("3", (row(3),), next_link="2")
    return report


def test_links_in_a_circle_end_the_walk_and_begin_again_from_the_head(
    core: Core, circle: Pages
) -> None:
    with pytest.raises(PagingBroken, match=CIRCLE):
        core.work(circle, core.walk())
    assert (circle.links, core.activity().progress.gaps) == (
        [None, "2", "3"],
        (Gap(None, at(3), None, reached=at(3), failures=1),),
    )


def test_the_rows_of_a_page_that_leads_back_are_published(core: Core, circle: Pages) -> None:
    with pytest.raises(PagingBroken):
        core.work(circle, core.walk())
    assert published_opens(core) == [("ann", 3), ("ann", 4), ("ann", 5)]


def test_a_circle_below_the_floor_does_not_affect_the_walk(core: Core, circle: Pages) -> None:
    core.work(circle, core.walk(floor=at(4)))
    assert (core.activity().progress.gaps, core.activity().last_error) == ((), None)


def test_a_circle_back_to_a_gaps_own_page_is_seen(core: Core) -> None:
    gap = Gap(None, at(5), "2")
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    report = report_of((row(9),), (row(6),), (row(4),))
    report.pages["3"] = Page("3", (row(4),), next_link="2")
    with pytest.raises(PagingBroken):
        core.work(report, core.walk(gap=gap))
    assert report.links == ["2", "3"]


def test_a_link_that_leads_astray_is_reported_and_not_followed(core: Core) -> None:
    report = Pages({None: Page(None, (row(1),), astray="A next link leads elsewhere.")})
    with pytest.raises(PagingBroken, match=r"^A next link leads elsewhere\.$"):
        core.work(report, core.walk())
    activity = core.activity()
    assert (published_opens(core), activity.progress.gaps, activity.last_error) == (
        [("ann", 1)],
        (Gap(None, at(1), None, reached=at(1), failures=1),),
        "A next link leads elsewhere.",
    )


def test_a_gap_that_is_stuck_is_reported_with_the_cause(core: Core) -> None:
    gap = Gap(None, at(1), None, reached=at(1), failures=2)
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    core.ledger.append(ACTIVITY_ID, {bucket(at(1)): {fingerprint(event_id(row(1), 1))}})
    report = Pages({None: Page(None, (row(1),), astray="A next link leads elsewhere.")})
    with pytest.raises(PagingBroken) as raised:
        core.work(report, core.walk(gap=gap))
    assert str(raised.value) == (
        "A part of the report cannot be read: 3 attempts in a row made no progress "
        "(A next link leads elsewhere). The next attempt begins at 2026-03-02T14:01:00Z."
    )


def test_its_error_is_kept_while_the_head_is_well(core: Core) -> None:
    stuck = Gap(None, at(-5), None, failures=3, retry_at=at(200))
    core.tracking.save(
        varied(core.activity(), watermark=at(0), gaps=(stuck,), last_error="It is stuck.")
    )
    core.work(report_of((row(1),)), core.walk(floor=at(0)))
    assert core.activity().last_error == "It is stuck."


def test_a_stored_link_that_is_refused_lets_its_gap_alone_begin_again(core: Core) -> None:
    gap, other = Gap(None, at(5), "2", rows_above=3), Gap(at(7), at(8), "7")
    core.tracking.save(varied(core.activity(), gaps=(other, gap)))
    with pytest.raises(PagingBroken):
        core.work(Pages({"2": PagingBroken("Elsewhere.")}), core.walk(gap=gap))
    assert core.activity().progress.gaps == (
        other,
        replace(gap, link=None, rows_above=0, failures=1),
    )


def test_an_expired_link_of_a_gap_begins_again_from_the_head(core: Core) -> None:
    gap = Gap(None, at(5), "2", rows_above=3)
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    with pytest.raises(LinkExpired):
        core.work(Pages({}), core.walk(gap=gap))
    assert core.activity().progress.gaps == (replace(gap, link=None, rows_above=0, failures=1),)


def test_an_expired_link_behind_a_gaps_page_begins_again_from_the_head(core: Core) -> None:
    gap = Gap(None, at(5), "2", rows_above=3)
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    report = Pages({"2": Page("2", (row(6), row(4)), next_link="3")})
    with pytest.raises(LinkExpired):
        core.work(report, core.walk(gap=gap))
    assert core.activity().progress.gaps == (Gap(None, at(4), None, reached=at(4), failures=1),)


def test_an_expired_link_behind_several_pages_is_tried_once_more(core: Core) -> None:
    report = report_of(*FIVE_PAGES)
    del report.pages["3"]
    with pytest.raises(LinkExpired):
        core.work(report, core.walk())
    assert core.activity().progress.gaps == (
        Gap(None, at(4), "2", rows_above=1, reached=at(4), failures=1),
    )


@pytest.mark.parametrize("link", ["2", None])
def test_a_gap_that_finds_no_time_keeps_its_place(core: Core, link: str | None) -> None:
    gap = Gap(None, at(5), link, rows_above=3)
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    with pytest.raises(OutOfTime):
        core.work(Pages({link: OutOfTime("No time is left.")}), core.walk(gap=gap))
    assert (core.activity().progress.gaps, core.activity().version) == ((gap,), 1)


# --- A gap that makes no progress ---


def failing_gap(core: Core, failures: int, link: str | None = "2") -> Gap:
    gap = Gap(None, at(5), link, rows_above=3, reached=at(5), failures=failures)
    core.tracking.save(varied(core.activity(), gaps=(gap,)))
    return gap


def test_the_third_failure_of_a_gap_says_how_often_and_why_and_when_it_is_tried_again(
    core: Core,
) -> None:
    gap = failing_gap(core, failures=2)
    with pytest.raises(PagingBroken) as caught:
        core.work(Pages({}), core.walk(gap=gap))
    assert str(caught.value) == MESSAGE
    (left,) = core.activity().progress.gaps
    assert (left.failures, left.link) == (3, None)


def test_an_earlier_failure_is_that_of_the_link(core: Core) -> None:
    gap = failing_gap(core, failures=1)
    with pytest.raises(LinkExpired, match=r"^A next link no longer works\.$"):
        core.work(Pages({}), core.walk(gap=gap))


def test_a_gap_that_the_vendor_does_not_return_fails_for_the_vendors_reason(core: Core) -> None:
    gap = failing_gap(core, failures=7)
    with pytest.raises(ReportUnavailable, match=r"^The vendor answered 503\.$"):
        core.work(Pages({"2": ReportUnavailable("The vendor answered 503.")}), core.walk(gap=gap))


def test_pages_without_news_fail_without_a_reason(core: Core) -> None:
    gap = failing_gap(core, failures=2)
    same = (row(5),)
    report = Pages({str(n): Page(str(n), same, next_link=str(n + 1)) for n in range(2, 9)})
    core.ledger.append(ACTIVITY_ID, {bucket(at(5)): {fingerprint(event_id(row(5), 1))}})
    with pytest.raises(PagingBroken) as caught:
        core.work(report, core.walk(gap=gap))
    assert str(caught.value) == MESSAGE.replace(" (A next link no longer works)", "")
