"""A first read of several pages is followed by an audit a day later."""

from datetime import datetime, timedelta

import pytest

from email_opens.model import Depth
from tests.contract.samples import varied
from tests.core.setup import FIVE_PAGES, Core, at, report_of, row

DAY = timedelta(days=1)


@pytest.fixture
def core() -> Core:
    core = Core()
    core.track()
    return core


def audit_at(core: Core) -> datetime | None:
    return core.activity().progress.audit_at


def test_a_first_read_of_one_page_needs_none(core: Core) -> None:
    core.work(report_of((row(1),)), core.walk(depth=Depth.AUDIT))
    assert audit_at(core) is None


def test_a_first_read_of_several_pages_is_audited_a_day_later(core: Core) -> None:
    core.work(report_of((row(2),), (row(1),)), core.walk(depth=Depth.AUDIT))
    assert audit_at(core) == core.clock.now() + DAY


def test_the_day_begins_when_the_first_read_has_ended(core: Core) -> None:
    report = report_of(*FIVE_PAGES)
    core.work(report, core.walk(depth=Depth.AUDIT))
    core.clock.sleep(3600)
    (gap,) = core.activity().progress.gaps
    core.work(report, core.walk(gap=gap))
    assert audit_at(core) == core.clock.now() + DAY


def test_a_first_read_goes_on_in_the_same_turn(core: Core) -> None:
    report, walk = report_of(*FIVE_PAGES), core.walk(depth=Depth.AUDIT)
    core.work(report, walk)
    core.work(report, walk)
    assert audit_at(core) == core.clock.now() + DAY


def test_polls_meanwhile_leave_it_as_it_is(core: Core) -> None:
    core.tracking.save(varied(core.activity(), watermark=at(0), audit_at=at(999)))
    core.work(report_of((row(1),)), core.walk(floor=at(0)))
    assert audit_at(core) == at(999)


def test_the_audit_itself_ends_it_also_while_it_leaves_a_gap(core: Core) -> None:
    core.tracking.save(varied(core.activity(), watermark=at(0), audit_at=at(999)))
    report = report_of(*FIVE_PAGES)
    core.work(report, core.walk(depth=Depth.AUDIT))
    (gap,) = core.activity().progress.gaps
    core.work(report, core.walk(gap=gap))
    assert audit_at(core) is None


def test_a_gap_of_a_sweep_does_not_put_it_off(core: Core) -> None:
    core.tracking.save(varied(core.activity(), watermark=at(0), audit_at=at(999)))
    report = report_of(*FIVE_PAGES)
    core.work(report, core.walk(floor=at(-9), depth=Depth.SWEEP))
    (gap,) = core.activity().progress.gaps
    core.work(report, core.walk(gap=gap))
    assert audit_at(core) == at(999)
