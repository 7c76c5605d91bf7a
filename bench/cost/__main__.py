"""Count and price a month of five stacks: `python -m bench.cost [--write]`, about four minutes.

`--write` stores what was counted, and writes the tables into docs/cost-and-scale.md. `--stored`
counts nothing, and prices what was stored last.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from bench.cost.prices import AS_OF, HOURS_A_MONTH, REGION
from bench.cost.scenarios import IDLE, MODES, SCENARIOS, Counted, count
from bench.cost.tables import (
    BASIC,
    Months,
    counts_table,
    idle,
    idle_table,
    months_table,
    prices_table,
    scale_table,
)

STORED = Path(__file__).with_name("counted.json")
PAGE = Path(__file__).parents[2] / "docs" / "cost-and-scale.md"


def counted() -> Months:
    """Simulate all scenarios."""
    with ProcessPoolExecutor() as processes:
        running = {name: processes.submit(count, scenario) for name, scenario in SCENARIOS.items()}
        running |= {
            idle(mode): processes.submit(count, SCENARIOS[IDLE], mode)
            for mode in MODES
            if mode != BASIC
        }
        return {name: future.result() for name, future in running.items()}


def stored() -> Months:
    """Return the months that were counted last."""
    months = json.loads(STORED.read_text(encoding="utf-8"))
    return {name: Counted(**month) for name, month in months.items()}


def tables(months: Months) -> dict[str, str]:
    """Return the tables by name, as the page has them between two comments."""
    return {
        "months": months_table(months),
        "idle": idle_table(months),
        "counts": counts_table(months),
        "scale": scale_table(months),
        "prices": prices_table(),
    }


def written(page: str, months: Months) -> str:
    """Return the page with the tables of these months."""
    for name, table in tables(months).items():
        begin, end = f"<!-- make cost: {name} -->\n", "\n<!-- end -->"
        first = page.index(begin) + len(begin)
        page = page[:first] + table + page[page.index(end, first) :]
    return page


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {STORED.name} and the page")
    parser.add_argument("--stored", action="store_true", help="price what was counted last")
    options = parser.parse_args()
    started = time.monotonic()
    months = stored() if options.stored else counted()
    print(f"List prices of {REGION}, {AS_OF}, without the free tier; {HOURS_A_MONTH} hours.")
    for table in tables(months).values():
        print(f"\n{table}")
    print()
    for scenario in SCENARIOS.values():
        print(f"- {scenario.name}: simulated {scenario.days}")
    print(f"\nIt took {time.monotonic() - started:.0f} s.")
    if options.write:
        rounded = json.loads(
            json.dumps({name: asdict(month) for name, month in months.items()}),
            parse_float=lambda text: float(f"{float(text):.6g}"),
        )
        STORED.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(written(page, stored()), encoding="utf-8")


if __name__ == "__main__":
    main()
