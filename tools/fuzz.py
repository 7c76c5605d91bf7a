"""Run the suite of hostile input again and again, each time with another seed: `make fuzz`.

    python tools/fuzz.py [--minutes N] [--seed N]

Each run tries 2,000 examples a test, where `make test` tries 100. A failure ends the work, and the
seed that is printed repeats it.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main(
    arguments: Sequence[str],
    run: Callable[[Sequence[str]], int] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Return 0 if no run failed; `run` returns the exit code of a command."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--minutes", type=float, default=60, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first run (%(default)s)")
    options = parser.parse_args(arguments)
    seed, ends = options.seed, clock() + options.minutes * 60
    while True:
        print(f"Seed {seed}", flush=True)
        if code := (run or _run)(command(seed)):
            print(f"Repeat this with: make fuzz SEED={seed}", file=sys.stderr)
            return code
        if clock() >= ends:
            print(f"No failure with the seeds {options.seed} to {seed}.")
            return 0
        seed += 1


def command(seed: int) -> list[str]:
    """Return what runs the suite with a seed."""
    tests = [sys.executable, "-m", "pytest", "-q", "-n", "2", "tests/hostile"]
    # The limits of `make test` are for a twentieth of the examples.
    limits = ["--timeout=3600", "-o", "faulthandler_timeout=7200"]
    return [*tests, *limits, "--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}"]


def _run(command: Sequence[str]) -> int:
    return subprocess.call(command, cwd=ROOT)  # noqa: S603 - the words of `command`


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
