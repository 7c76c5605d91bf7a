"""How soon opens are published when the product finds the sends itself.

`python -m bench.freshness.found [--seed N]`: each world is played three times, with every send
tracked at once, with every send scheduled a day before, and with every send sent without notice.
"""

import argparse
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from copy import replace
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from bench.freshness.account import REQUEST_SECONDS, Account, activity_id, campaign_id, instant
from bench.freshness.scenarios import BUDGET
from bench.freshness.turns import MINUTE, simulate
from bench.freshness.unseen import KINDS, draw
from bench.freshness.world import DAY, HOUR, Send, World
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.discovery.campaigns import Campaign, CampaignActivity
from email_opens.discovery.report import Found
from email_opens.discovery.search import Search
from email_opens.discovery.selection import Names
from email_opens.ports import Tracking
from email_opens.turns.discovery import Discovery
from tests.fakes import FakeClock
from tests.memory_campaigns import MemoryCampaigns, MemorySeenCampaigns

WORLDS = ("agency of 60", "newsletter to 50,000", "shop with 800 contacts")
NOTICES: dict[str, float | None] = {"tracked at once": None, "scheduled": DAY, "no notice": 0.0}
"""How long before a send the vendor's schedules contain it; None: nothing is searched for."""
WARM_UP = 6 * HOUR
"""Simulated before the measured days, to read what was sent earlier."""
DAYS = 2
"""The measured days of a world, the first ones."""
LATER_MINUTES = 30
"""Each send is put off by less than this, because nobody sends at the same instant each week."""
PHASE = 23.0
"""The second of a minute at which the schedule starts a turn.

Sends are scheduled for whole minutes, and sent at some second within them.
"""
LOOKBACK = timedelta(days=7)


class VendorCampaigns(MemoryCampaigns):
    """The vendor's lists of the sends of an account, as they are at the end of each request."""

    def __init__(self, account: Account, notice: float) -> None:
        super().__init__(account.clock)
        self.seconds = REQUEST_SECONDS
        self.account, self.notice = account, notice
        self.counted = 0
        """The requests of the measured days."""
        self._unknown, self._unsent = deque(account.world.sends), deque(account.world.sends)

    def within(self, _: str, budget: Budget) -> MemoryCampaigns:
        self.budget, self.requests = budget, 0
        return self

    def _request(self, target: str, before: datetime) -> None:
        super()._request(target, before)
        self.account.count_request()
        now = self.account.now()
        self.counted += now >= self.account.world.begins
        while self._unknown and self._unknown[0].sent - self.notice <= now:
            send = self._unknown.popleft()
            activity = CampaignActivity(activity_id(send), "primary_email")
            self.known[campaign_id(send)] = Campaign(
                campaign_id(send), "News", activities=(activity,)
            )
            if self.notice:
                self.schedules[activity_id(send)] = instant(send.sent // MINUTE * MINUTE)
        while self._unsent and self._unsent[0].sent <= now:
            send = self._unsent.popleft()
            self.sent[campaign_id(send)] = instant(send.sent)
            self.schedules.pop(activity_id(send), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Delays in seconds; what concerns the first hour after a send is named so."""

    sends: int
    mean: float
    first_hour: float
    first_hour_99: float
    requests: float
    """Of a measured day."""
    searches: float
    """Those among them that search for sends and read schedules."""


def play(kind: str, seed: int, notice: float | None) -> Outcome:
    drawn = draw(kind, seed).world
    world = put_off(replace(drawn, ends=drawn.begins + DAYS * DAY), Random(seed))
    account = Account(world, FakeClock())
    campaigns = VendorCampaigns(account, notice or 0.0)

    def finder(tracking: Tracking) -> Discovery:
        return discovery(account, campaigns, tracking)

    simulate(
        account,
        BUDGET,
        warm_up=WARM_UP - PHASE,
        finder=None if notice is None else finder,
    )
    measured, hot = account.measurements, account.measurements.delays.hot
    return Outcome(
        sends=sum(world.begins <= send.sent < world.ends for send in world.sends),
        mean=measured.delays.mean,
        first_hour=sum(hot) / max(1, len(hot)),
        first_hour_99=measured.delays.hot_percentile(99),
        requests=sum(measured.requests.values()) / world.days,
        searches=campaigns.counted / world.days,
    )


def put_off(world: World, chance: Random) -> World:
    """Put off each send, with its opens, to a minute some time later, and a second within it."""
    return replace(world, sends=sorted((_later(each, chance) for each in world.sends), key=_sent))


def discovery(account: Account, campaigns: VendorCampaigns, tracking: Tracking) -> Discovery:
    seen = MemorySeenCampaigns()

    def begin(account_id: str) -> Search:
        return Search(
            tracking=tracking,
            seen=seen,
            clock=account.clock,
            lookback=LOOKBACK,
            names=Names(),
            found=Found(account_id),
        )

    return Discovery(
        leases=Leases(tracking=tracking, clock=account.clock, requests_per_day=BUDGET),
        clock=account.clock,
        begin=begin,
        campaigns=campaigns.within,
    )


def _later(send: Send, chance: Random) -> Send:
    at = send.sent + chance.uniform(0, LATER_MINUTES) * MINUTE
    opens = [at + opened - send.sent for opened in send.opens]
    return replace(send, sent=at, opens=opens)


def _sent(send: Send) -> float:
    return send.sent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.freshness.found", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(%(default)s)")
    parser.add_argument("--processes", type=int, metavar="N", help="(one for each core)")
    parser.add_argument("worlds", nargs="*", default=list(WORLDS), metavar="WORLD")
    options = parser.parse_args()
    seed, kinds, started = options.seed, options.worlds, time.monotonic()
    if unknown := set(kinds) - KINDS.keys():
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(KINDS)}")
    with ProcessPoolExecutor(options.processes) as processes:
        plays = {
            (kind, name): processes.submit(play, kind, seed, notice)
            for kind in kinds
            for name, notice in NOTICES.items()
        }
        print("| world | sends | sent | mean | first hour | p99 | requests | searches |")
        print("|---|--:|---|" + "--:|" * 5)
        for (kind, name), future in plays.items():
            found = future.result()
            print(
                f"| {kind} | {found.sends} | {name} | {found.mean:.1f} | {found.first_hour:.1f} "
                f"| {found.first_hour_99:.1f} | {found.requests:,.0f} | {found.searches:.0f} |",
                flush=True,
            )
    print(f"\n{BUDGET:,} requests a day, seed {seed}; {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    main()
