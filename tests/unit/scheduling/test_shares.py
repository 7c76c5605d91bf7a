"""The shares of what is left of the day that the documentation promises."""

import re
from math import inf

import pytest

from email_opens.account import Hours
from email_opens.scheduling.choice import PROBE_EVERY_SECONDS, Poll, Probe, Wait, Why, choose
from email_opens.scheduling.plan import HOT_SECONDS, Plan, plan
from tests.contract.samples import NOON
from tests.integration.deployment import ROOT
from tests.unit.scheduling.offered import DAY, FRESH, HOUR, candidate

FRACTIONS = {"tenth": 1 / 10, "quarter": 1 / 4, "third": 1 / 3, "half": 1 / 2}
PAGES = [(ROOT / "docs" / name).read_text() for name in ("freshness.md", "how-it-works.md")]
REQUESTS = 1000.0


def promised(sentence: str) -> float:
    """Return the fraction that both pages name in a sentence; `?` stands for it."""
    pattern = re.escape(sentence).replace(r"\?", r"(\w+)")
    found = {match[1] for page in PAGES for match in re.finditer(pattern, page)}
    (fraction,) = found
    return FRACTIONS[fraction]


def test_polls_made_only_for_their_age_take_no_more_than_their_share_of_what_is_left() -> None:
    share = promised("would take more than a ? of the requests that are left")
    many = [candidate(str(number), rate=1e-9, longest_seconds=900.0) for number in range(200)]
    result = plan(many, now=NOON, requests=REQUESTS, seconds=DAY, hours=Hours())
    polls = len(many) * DAY / 900.0 / result.stretch
    assert polls <= 1.001 * share * REQUESTS


def test_fresh_sends_take_no_more_than_their_share_of_what_is_left() -> None:
    share = promised("a ? of the requests that are left of the day")
    many = [candidate(str(n), rate=1e-9, age=60.0, hot_for=HOUR, cost=3.0) for n in range(200)]
    result = plan(many, now=NOON, requests=REQUESTS, seconds=DAY, hours=Hours())
    requests = len(many) * 3.0 * (HOUR - 60) / result.hot_seconds
    assert result.hot_seconds > HOT_SECONDS
    assert requests <= 1.001 * share * REQUESTS


class TestAProbe:
    def test_is_not_made_for_a_counter_that_has_moved(self) -> None:
        """Its counter has moved already: only a poll can show more."""
        moved = candidate(changed=True, countable=True, rate=0.1, idle=600.0)
        choice = choose(
            [moved], Plan(), FRESH, PROBE_EVERY_SECONDS, spent_seconds_ago=0.0, now=NOON
        )
        assert isinstance(choice, Poll)
        assert choice.why is Why.CHANGED

    @pytest.mark.parametrize(("changed", "kind"), [(True, Poll), (False, Probe)])
    def test_is_worth_only_what_may_have_changed_unnoticed(self, changed: bool, kind: type) -> None:
        many = [
            candidate(str(number), changed=changed, countable=True, rate=1e-4, idle=600.0)
            for number in range(100)
        ]
        quiet = candidate("quiet", countable=True, rate=1e-9, idle=600.0)
        prices = Plan(requests_a_second=0.1)
        assert isinstance(
            choose([*many, quiet], prices, FRESH, 600.0, spent_seconds_ago=900.0, now=NOON), kind
        )

    @pytest.mark.parametrize(("seconds_ago", "kind"), [(899.0, Wait), (900.0, Probe), (inf, Probe)])
    def test_is_made_every_fifteen_minutes_while_a_walk_below_each_head_goes_on(
        self, seconds_ago: float, kind: type
    ) -> None:
        one = candidate(rate=1e6, countable=True, continued_at=NOON)
        choice = choose(
            [one], Plan(requests_a_second=0.1), FRESH, seconds_ago, spent_seconds_ago=inf, now=NOON
        )
        assert isinstance(choice, kind)


@pytest.mark.parametrize("probed_seconds_ago", [None, 0.0, 299.0, 301.0, 899.0])
@pytest.mark.parametrize("idle", [-3600.0, 0.0, 4.999, 24.999, 899.9999])
def test_a_turn_never_waits_for_less_than_a_second(
    idle: float, probed_seconds_ago: float | None
) -> None:
    one = candidate(
        rate=1e-9,
        idle=idle,
        age=7200.0,
        hot_for=2 * HOUR + 60,
        longest_seconds=900.0,
        countable=True,
    )
    prices = Plan(requests_a_second=0.1)
    choice = choose([one], prices, FRESH, probed_seconds_ago, spent_seconds_ago=5.0, now=NOON)
    assert not isinstance(choice, Wait) or choice.seconds >= 1.0
