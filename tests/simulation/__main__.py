"""Play many scenarios (`make simulate`), or replay one: `python -m tests.simulation --seed N`."""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields

from tests.simulation.drawn_manners import MANNERS, SWITCHED_ON
from tests.simulation.scenarios import draw_scenario, play

ACTIONS = 80
SCENARIOS_PER_TASK = 25
TASKS_AHEAD = 4


@dataclass(slots=True)
class Summary:
    """The totals of some scenarios."""

    scenarios: int = 0
    steps: int = 0
    """Actions, and calls of ports."""
    kills: int = 0
    wake_ups: int = 0
    """Turns that were woken."""
    interleaved_calls: int = 0
    """Calls that were made while another invocation was running."""
    faults: int = 0
    sends: int = 0
    """Sends that searches have found."""
    opens: int = 0
    repeats: int = 0
    requests: int = 0
    least_requests: int = 0
    """The minimum: one for each polled activity, and one for each page of new opens."""

    def add(self, other: "Summary") -> None:
        for field in fields(self):
            name = field.name
            setattr(self, name, getattr(self, name) + getattr(other, name))


def play_seed(seed: int, manners: Collection[str] = SWITCHED_ON) -> Summary:
    """Play the scenario of a seed; the error of a broken rule names the command that replays it."""
    try:
        simulation = play(draw_scenario(seed, ACTIONS, manners))
    except Exception as error:
        chosen = "" if manners == SWITCHED_ON else f" --manners {' '.join(map(repr, manners))}"
        error.add_note(f"To replay it: python -m tests.simulation --seed {seed}{chosen}")
        raise
    return Summary(
        scenarios=1,
        steps=simulation.steps,
        kills=simulation.kills,
        wake_ups=simulation.rules.wake_ups,
        interleaved_calls=simulation.interleaved_calls,
        faults=simulation.rules.faults,
        sends=len(simulation.tracked_ids) - simulation.setting.activities,
        opens=len(simulation.rules.delivered),
        repeats=simulation.rules.repeats,
        requests=simulation.rules.requests.total(),
        least_requests=simulation.rules.least_requests,
    )


def play_task(first: int, manners: Collection[str]) -> Summary:
    summary = Summary()
    for seed in range(first, first + SCENARIOS_PER_TASK):
        summary.add(play_seed(seed, manners))
    return summary


def play_until(steps: int, first: int, manners: Collection[str]) -> Iterator[Summary]:
    """Play from a seed on until a number of steps is reached; yield the totals so far."""
    summary = Summary()
    with ProcessPoolExecutor() as processes:
        ahead = [
            processes.submit(play_task, first + number * SCENARIOS_PER_TASK, manners)
            for number in range((os.cpu_count() or 1) * TASKS_AHEAD)
        ]
        following = first + len(ahead) * SCENARIOS_PER_TASK
        while summary.steps < steps:
            summary.add(ahead.pop(0).result())
            ahead.append(processes.submit(play_task, following, manners))
            following += SCENARIOS_PER_TASK
            yield summary
        for task in ahead:
            task.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, metavar="N", help="replay this scenario")
    parser.add_argument("--from", type=int, metavar="N", dest="first", help="first seed (random)")
    parser.add_argument("--steps", type=int, default=1_000_000, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--manners",
        nargs="*",
        choices=MANNERS,
        default=SWITCHED_ON,
        metavar="NAME",
        help="what may go wrong for longer: " + ", ".join(MANNERS),
    )
    options = parser.parse_args()
    manners = tuple(options.manners)
    if options.seed is not None:
        print(play_seed(options.seed, manners))
        return
    first = secrets.randbelow(10**9) if options.first is None else options.first
    print(f"Scenarios of {ACTIONS} actions and a final check, from seed {first} on.")
    started, summary = time.monotonic(), Summary()
    for summary in play_until(options.steps, first, manners):
        if sys.stdout.isatty():
            print(f"\r{summary.steps:>12,} steps", end="", flush=True)
    print(f"\rNo rule was broken. It took {time.monotonic() - started:.0f} s.")
    for field in fields(summary):
        print(f"  {field.name.replace('_', ' '):18} {getattr(summary, field.name):>12,}")


if __name__ == "__main__":
    main()
