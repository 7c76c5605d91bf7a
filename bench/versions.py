"""An upgrade, a rollback and an upgrade over many stored items: `python -m bench.versions`.

The previous version's own code stores the items and takes turns over them, in turn with this one.
`--items` is the number of activities, of which some 200 are polled.
"""

import argparse
import tempfile
from pathlib import Path

from tests.versions.versions import CURRENT, KINDS, Rehearsal, unpack_previous


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", type=int, default=10_000)
    arguments.add_argument("--opens", type=int, default=2, help="new opens of each before a turn")
    arguments.add_argument("--store", choices=["dynamodb", "sqlite"], default="dynamodb")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        previous = unpack_previous(Path(folder) / "previous")
        rehearsal = Rehearsal(store=asked.store, folder=Path(folder))
        states = rehearsal.track(previous, min(300, asked.items), max(0, asked.items - 300))[
            "states"
        ]
        polled = [name for name, state in states.items() if state in ("active", "gone")]
        for version in (previous, CURRENT, previous, CURRENT):
            rehearsal.open(polled, asked.opens)
            turns = rehearsal.work(version, turns=1)
            distinct = len(set(rehearsal.published))
            lost, repeated = rehearsal.rows - distinct, len(rehearsal.published) - distinct
            readable = [state for state in turns["states"].values() if state in KINDS]
            print(
                f"{'this version' if version == CURRENT else 'the previous version'}: "
                f"{len(turns['states'])} items, {len(readable)} readable, "
                f"{lost} of {rehearsal.rows} opens lost, {repeated} repeated, "
                f"{len(turns['failed'])} failures",
                flush=True,
            )


if __name__ == "__main__":
    main()
