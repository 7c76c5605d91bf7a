"""The lists of the vendor in `bench.freshness.found`, and the search for sends in them."""

from datetime import timedelta
from random import Random

import pytest

from bench.freshness.account import Account, activity_id, campaign_id, instant
from bench.freshness.found import VendorCampaigns, discovery, put_off
from bench.freshness.turns import WARM_UP, simulate
from bench.freshness.world import DAY, HOUR, Send, World
from email_opens.allowance.budget import Budget
from tests.fakes import FakeClock

BEFORE = instant(10 * DAY)


def world_of(*opened: float) -> World:
    """Return a world of one day with a send at 10:00, opened so many seconds after it."""
    begins = 5 * DAY
    sent = begins + 10 * HOUR + 17
    opens = [sent + seconds for seconds in opened]
    return World(
        sends=[Send(number=0, sent=sent, opens_a_second=0.01, opens=opens)],
        begins=begins,
        ends=begins + DAY,
    )


def listed(world: World, at: float, notice: float) -> tuple[list[str], list[str]]:
    """Return the campaigns that are listed as scheduled and as sent just before an instant."""
    account = Account(world, FakeClock(instant(at - 1)))
    campaigns = VendorCampaigns(account, notice).within("default", Budget(9))
    scheduled = campaigns.scheduled(before=BEFORE)
    summaries = campaigns.summaries(link=None, before=BEFORE).summaries
    return scheduled, [summary.campaign_id for summary in summaries]


def test_a_scheduled_send_is_known_beforehand_for_its_minute_and_listed_once_it_is_sent() -> None:
    world = world_of()
    (send,) = world.sends
    name = campaign_id(send)
    assert listed(world, send.sent - DAY, DAY) == ([], [])
    assert listed(world, send.sent - HOUR, DAY) == ([name], [])
    assert listed(world, send.sent + 1, DAY) == ([], [name])
    assert listed(world, send.sent - HOUR, 0.0) == ([], [])
    campaigns = VendorCampaigns(Account(world, FakeClock(instant(send.sent - HOUR))), DAY)
    campaigns.scheduled(before=BEFORE)
    at = campaigns.scheduled_at(activity_id(send), before=BEFORE)
    assert at == instant(send.sent) - timedelta(seconds=17)


def test_requests_of_searches_count_in_the_account() -> None:
    account = Account(world_of(), FakeClock(instant(5 * DAY)))
    campaigns = VendorCampaigns(account, DAY).within("default", Budget(9))
    campaigns.scheduled(before=BEFORE)
    assert list(account.measurements.requests.values()) == [1]


def test_the_product_finds_the_send_and_publishes_its_opens_once() -> None:
    world = world_of(1.0, 5.0, 3600.0)
    account = Account(world, FakeClock())
    campaigns = VendorCampaigns(account, DAY)
    simulate(
        account,
        500,
        warm_up=WARM_UP,
        finder=lambda tracking: discovery(account, campaigns, tracking),
    )
    delays = account.measurements.delays
    assert len(delays.all) == 3
    assert max(delays.hot) < 60


def test_a_send_is_put_off_with_its_opens() -> None:
    world = world_of(1.0, 5.0)
    (before,), (after,) = world.sends, put_off(world, Random(1)).sends
    assert after.sent > before.sent
    assert [opened - after.sent for opened in after.opens] == pytest.approx([1.0, 5.0])
