"""The least waiting for the opens of a world whose rates are all known in advance."""

import math
from collections.abc import Callable, Sequence

from bench.freshness.unseen import Unseen
from bench.freshness.world import DAY

STEP_SECONDS = 300.0
CAMPAIGNS_PER_PROBE = 150
LEAST_PROBES, MOST_PROBES = 1e-4, 1.0
"""Probes a second."""
STEPS = 14
"""Of a search for a least value."""
SAMPLED = 4
"""Only each so-many-th step is searched for the best interval of probes."""


def least_waiting(unseen: Unseen, requests_a_day: float) -> tuple[float, float]:
    """Return the open-seconds of the measured days without counters, and with fresh ones."""
    without = counted = 0.0
    for day in range(unseen.world.days):
        begins = unseen.world.begins + day * DAY
        instants = (begins + step * STEP_SECONDS for step in range(round(DAY / STEP_SECONDS)))
        steps = [_rates(unseen, at) for at in instants]
        needed = sum(math.sqrt(rate / 2) for rates in steps for rate in rates) * STEP_SECONDS
        alone = needed**2 / requests_a_day
        without += alone
        counted += min(alone, _counted(steps[::SAMPLED], requests_a_day / SAMPLED) * SAMPLED)
    return without, counted


def _rates(unseen: Unseen, at: float) -> list[float]:
    """Return the mean rates of the sends in a step."""
    parts = 10 if any(sent.scanned for sent in unseen.sent) else 1
    width = STEP_SECONDS / parts
    instants = [at + (part + 0.5) * width for part in range(parts)]
    means = (sum(map(sent.rate, instants)) / parts for sent in unseen.sent)
    return [mean for mean in means if mean > 0]


def _counted(steps: Sequence[Sequence[float]], requests: float) -> float:
    """Return the open-seconds if each step has the probes that its opens are worth."""
    low, high = 1e-6, 1e6
    for _ in range(2 * STEPS):
        price = math.sqrt(low * high)
        spent = sum(_best(rates, price)[0] for rates in steps)
        low, high = (price, high) if spent > requests else (low, price)
    return sum(_best(rates, high)[1] for rates in steps)


def _best(rates: Sequence[float], price: float) -> tuple[float, float]:
    """Return the requests and the open-seconds of a step with the best interval of probes."""
    if not rates:
        return 0.0, 0.0
    whole, probe = sum(rates), math.ceil(len(rates) / CAMPAIGNS_PER_PROBE)

    def requests(often: float) -> float:
        return often * (probe + sum(-math.expm1(-rate / often) for rate in rates)) * STEP_SECONDS

    def waiting(often: float) -> float:
        return whole / (2 * often) * STEP_SECONDS

    often = _least(lambda log: waiting(math.exp(log)) + price * requests(math.exp(log)))
    return requests(often), waiting(often)


def _least(cost: Callable[[float], float]) -> float:
    """Return the number of probes a second at which a cost of its logarithm is least."""
    low, high = math.log(LEAST_PROBES), math.log(MOST_PROBES)
    for _ in range(STEPS):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if cost(left) < cost(right) else (left, high)
    return math.exp((low + high) / 2)
