"""Reading the counters of many campaigns with as few requests as possible."""

from collections.abc import Sequence
from datetime import datetime
from itertools import batched

from msgspec import Struct, field

from email_opens.errors import NotCounted, ReportUnavailable
from email_opens.model import CounterReadings
from email_opens.ports import Report

MOST_REQUESTS = 40
"""The most requests of one probe, when some campaigns have no counter and must be found."""


class CounterProbe(Struct):
    """One probe of the counters; `readings` holds what was read, also after a failure."""

    report: Report
    before: datetime
    readings: CounterReadings = field(default_factory=CounterReadings)
    requests: int = 0

    def read(self, campaign_ids: Sequence[str], campaigns_per_probe: int) -> None:
        """Read the counters of campaigns, `campaigns_per_probe` with each request.

        Raises:
            EmailOpensError: as `Report.count` raises, except `NotCounted`.
        """
        for batch in batched(campaign_ids, campaigns_per_probe, strict=False):
            self._read(batch)

    def _read(self, campaign_ids: Sequence[str]) -> None:
        """Read a batch; if the vendor refuses it, halve it until the bad ids are found."""
        if self.requests >= MOST_REQUESTS:
            raise ReportUnavailable("Too many campaigns have no counter; the others wait.")
        self.requests += 1
        try:
            found = self.report.count(campaign_ids, before=self.before)
        except NotCounted:
            if len(campaign_ids) == 1:
                self.readings |= CounterReadings(missing=frozenset(campaign_ids))
                return
            middle = len(campaign_ids) // 2
            self._read(campaign_ids[:middle])
            self._read(campaign_ids[middle:])
        else:
            opens = {name: found.opens[name] for name in campaign_ids if name in found.opens}
            missing = frozenset(name for name in campaign_ids if name not in opens)
            self.readings |= CounterReadings(
                opens=opens, refreshed_at=found.refreshed_at, missing=missing
            )
