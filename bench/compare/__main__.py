"""Print the comparison: `make compare`, or `python -m bench.compare [SEED]`."""

import sys

from bench.compare.play import SETTLING_DAYS, SETTLING_MINUTES, play
from bench.compare.rules import OURS, RULES
from bench.compare.worlds import WORLDS

SEED = 3
MINUTES = 180


def main() -> None:
    seed = int(sys.argv[1]) if sys.argv[1:] else SEED
    outcomes = {
        rule: {world: play(rule, world, seed, MINUTES) for world in WORLDS} for rule in RULES
    }
    rows = sum(outcome.rows for outcome in outcomes[OURS].values())
    polls = len(WORLDS) * (MINUTES + SETTLING_MINUTES + SETTLING_DAYS)
    print(f"Seed {seed}, {len(WORLDS)} worlds, {rows:,} rows in all, ", end="")
    print(f"{polls:,} polls with each rule.\n")
    print("| rule | lost | repeated | requests |\n|---|--:|--:|--:|")
    for rule, by_world in outcomes.items():
        lost = sum(outcome.lost for outcome in by_world.values())
        repeated = sum(outcome.repeated for outcome in by_world.values())
        requests = sum(outcome.requests for outcome in by_world.values())
        print(f"| {rule} | {lost:,} | {repeated:,} | {requests:,} |")
    print(f"\n| lost / repeated | {' | '.join(WORLDS)} |\n|---|{'--:|' * len(WORLDS)}")
    for rule, by_world in outcomes.items():
        cells = (f"{outcome.lost:,} / {outcome.repeated:,}" for outcome in by_world.values())
        print(f"| {rule} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
