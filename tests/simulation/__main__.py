"""Play many scenarios: `make simulate`, or one again: `python -m tests.simulation --seed N`."""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields

from tests.simulation.actions import draw_scenario, run

ACTIONS = 80
SCENARIOS_A_TASK = 25
TASKS_AHEAD = 4


@dataclass(slots=True)
class Summary:
    """What scenarios came to."""

    scenarios: int = 0
    steps: int = 0
    """Actions of the world, and calls of ports."""
    crashes: int = 0
    interleavings: int = 0
    """Calls that were made while another invocation was under way."""
    faults: int = 0
    opens: int = 0
    repeats: int = 0
    requests: int = 0
    least_requests: int = 0
    """One for each activity that was polled, and one for each page of new opens."""

    def add(self, other: "Summary") -> None:
        for field in fields(self):
            name = field.name
            setattr(self, name, getattr(self, name) + getattr(other, name))


def played(seed: int) -> Summary:
    """Play the scenario of a seed; a broken rule is told with the line that plays it again."""
    try:
        simulation = run(draw_scenario(seed, ACTIONS))
    except Exception as error:
        error.add_note(f"Play it again: python -m tests.simulation --seed {seed}")
        raise
    return Summary(
        scenarios=1,
        steps=simulation.steps,
        crashes=simulation.crashes,
        interleavings=simulation.interleavings,
        faults=simulation.rules.faults,
        opens=len(simulation.rules.delivered),
        repeats=simulation.rules.repeats,
        requests=simulation.rules.requests.total(),
        least_requests=simulation.rules.least_requests,
    )


def played_from(first: int) -> Summary:
    summary = Summary()
    for seed in range(first, first + SCENARIOS_A_TASK):
        summary.add(played(seed))
    return summary


def played_until(steps: int, first: int) -> Iterator[Summary]:
    """Play from a seed on until so many steps were made; yield what it came to so far."""
    summary = Summary()
    with ProcessPoolExecutor() as processes:
        ahead = [
            processes.submit(played_from, first + number * SCENARIOS_A_TASK)
            for number in range((os.cpu_count() or 1) * TASKS_AHEAD)
        ]
        following = first + len(ahead) * SCENARIOS_A_TASK
        while summary.steps < steps:
            summary.add(ahead.pop(0).result())
            ahead.append(processes.submit(played_from, following))
            following += SCENARIOS_A_TASK
            yield summary
        for task in ahead:
            task.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, metavar="N", help="play this one scenario")
    parser.add_argument("--from", type=int, metavar="N", dest="first", help="(by chance)")
    parser.add_argument("--steps", type=int, default=1_000_000, metavar="N", help="(%(default)s)")
    asked = parser.parse_args()
    if asked.seed is not None:
        print(played(asked.seed))
        return
    first = secrets.randbelow(10**9) if asked.first is None else asked.first
    print(f"Scenarios of {ACTIONS} actions and a rest, from seed {first} on.")
    began, summary = time.monotonic(), Summary()
    for summary in played_until(asked.steps, first):
        if sys.stdout.isatty():
            print(f"\r{summary.steps:>12,} steps", end="", flush=True)
    print(f"\rNo rule was broken. It took {time.monotonic() - began:.0f} s.")
    for field in fields(summary):
        print(f"  {field.name.replace('_', ' '):15} {getattr(summary, field.name):>12,}")


if __name__ == "__main__":
    main()
