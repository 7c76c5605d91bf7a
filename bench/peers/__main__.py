"""Print the comparison: `make bench-peers`, or `python -m bench.peers [--quick]`."""

import argparse
import compileall
import os
import platform
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.peers.contenders import CONTENDERS, PEERS_PYTHON, ROOT
from bench.peers.costs import costs
from bench.peers.emulator import emulated_vendor
from bench.peers.losses import losses
from bench.peers.processes import other_processors
from bench.peers.tables import costs_table, losses_table, versions
from bench.peers.worlds import worlds

ROWS, RUNS = 100_000, 5
QUICK_ROWS, QUICK_RUNS = 5_000, 1
OWN_CODE = ("layers/email_opens/email_opens", "tools")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_ROWS:,} rows instead of {ROWS:,}, one run instead of {RUNS}, and without the "
        "world in which a quarter of an hour passes",
    )
    quick = parser.parse_args().quick
    rows, runs = (QUICK_ROWS, QUICK_RUNS) if quick else (ROWS, RUNS)
    for code in OWN_CODE:
        compileall.compile_dir(ROOT / code, quiet=1)
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores.")
    print(f"{versions(PEERS_PYTHON.parents[1])}.")
    print("Byte code is compiled. The clients share one processor; the vendor has the others.")
    print("The vendor has no limits, and `watch` has settings with which it is not paced.")
    print(f"Medians of {runs} runs, with the range." if runs > 1 else "One run.")
    with (
        TemporaryDirectory(prefix="bench-peers-") as name,
        emulated_vendor(other_processors()) as vendor,
    ):
        folder = Path(name)
        measured = costs(rows, runs, CONTENDERS, vendor, folder / "costs")
        print(f"\n{costs_table(rows, measured)}\n", flush=True)
        found = losses(worlds(waiting=not quick), CONTENDERS, vendor, folder / "worlds")
        print(losses_table(found))


if __name__ == "__main__":
    main()
