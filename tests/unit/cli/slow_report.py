"""A product whose clock moves only when code sleeps, over a report of slow pages."""

from collections.abc import Sequence
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from email_opens.allowance.budget import Budget
from email_opens.bootstrap.product import EmailOpens, bootstrap
from email_opens.errors import LinkExpired
from email_opens.model import CounterReadings, Page
from tests.conftest import Aws
from tests.contract.samples import ACTIVITY, NOON
from tests.core.setup import Pages, at
from tests.fakes import FakeClock
from tests.unit.cli.world import settings

PAGE_SECONDS = 40
"""Longer than a command works under one lease."""


@dataclass(slots=True)
class SlowReport:
    """The Report port over pages that each take PAGE_SECONDS; some links fail once."""

    pages: Pages
    clock: FakeClock
    failing: set[str | None] = field(default_factory=set)
    throttled: int = 0

    @property
    def requests(self) -> int:
        return self.pages.requests

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        page = self.pages.read(campaign_activity_id, link=link, rows=rows, before=before)
        self.clock.sleep(PAGE_SECONDS)
        if link in self.failing:
            self.failing.discard(link)
            raise LinkExpired("A next link no longer works.")
        return page

    def count_activity(self, campaign_activity_id: str, before: datetime) -> None:
        """Return no count."""

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        raise AssertionError((campaign_ids, before))


def slow_product(aws: Aws, pages: Pages) -> tuple[EmailOpens, SlowReport]:
    """Wire the product over a slow report of these pages, and track its activity."""
    clock = FakeClock(at(60))
    product = bootstrap(settings(aws), clock=clock)
    report = SlowReport(pages, clock)

    def restart(account_id: str, budget: Budget) -> SlowReport:
        del account_id, budget
        report.pages.requests = 0
        return report

    product.tracking.add(replace(ACTIVITY, tracked_at=NOON))
    slow: Any = restart
    return replace(product, report=slow, turns=replace(product.turns, report=slow)), report
