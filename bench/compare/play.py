"""Play a world with a rule."""

from contextlib import suppress
from datetime import timedelta
from random import Random

from bench.compare.rules import RULES
from bench.compare.stage import START, Outcome, Stage
from bench.compare.worlds import POLLED_AT_SECOND, WORLDS
from email_opens.errors import PublishFailed
from tests.world import Crash

MINUTE = timedelta(minutes=1)
SETTLING_MINUTES = 60
SETTLING_DAYS = 2


def play(rule: str, world: str, seed: int, minutes: int) -> Outcome:
    """Poll each minute of a world, then for another hour, then once a day."""
    stage = Stage(WORLDS[world], Random(f"{seed} {world}"), minutes)
    poll = RULES[rule](stage)
    last = minutes + SETTLING_MINUTES
    days = [last + day * 24 * 60 for day in range(1, SETTLING_DAYS + 1)]
    for minute in (*range(last), *days):
        if minute > last:
            stage.settle()
        stage.begin_poll(START + minute * MINUTE + timedelta(seconds=POLLED_AT_SECOND), minute)
        with suppress(Crash, PublishFailed):
            poll()
    return stage.outcome()
