"""Mutation testing: change the product's code in thousands of ways, and run the tests on each.

    python tools/mutants.py walk allowance.lease

It tests the mutants of these modules, by default of all that `tool.mutmut` in pyproject.toml lists.
A mutant is caught if a test fails or hangs, or if mypy reports an error. A mutant that no test can
catch, because it behaves like the original, is listed in tests/mutants.toml with the reason.
"""

import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mutmut.__main__ import cli
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import get_module_from_key, orig_function_and_class_names_from_key

ROOT = Path(__file__).resolve().parents[1]
STAGE = ROOT / ".cache" / "mutants"
"""The folder in which mutmut runs; its copy of the project is in the folder `mutants` there."""
PACKAGE = "email_opens"
EQUIVALENT = ROOT / "tests" / "mutants.toml"
MINIMUM = 0.95
"""The smallest share of mutants that must be caught, among those that are not equivalent."""
OUTCOMES = ("by tests", "by types", "equivalent", "missed")
CAUGHT = {
    "killed": "by tests",
    "timeout": "by tests",
    "segfault": "by tests",
    "caught by type check": "by types",
}
"""The outcomes of mutmut's statuses; with any other status, a mutant is not caught."""


class Change(NamedTuple):
    """What a mutant changes."""

    function: str
    """With its module and class, such as `walk.Place.below`."""
    lines: tuple[str, ...]
    """As in a diff, without indentation."""


@dataclass(frozen=True, slots=True)
class Mutant:
    module: str
    change: Change
    status: str
    """As mutmut names it."""

    @property
    def caught(self) -> bool:
        return self.status in CAUGHT

    def outcome(self, reasons: Mapping[Change, str]) -> str:
        """Return one of `OUTCOMES`; `reasons` has the equivalent mutants."""
        return CAUGHT.get(self.status, "equivalent" if self.change in reasons else "missed")


def main(modules: Sequence[str]) -> int:
    """Test the mutants and print the results; return the exit status."""
    stage()
    with chdir(STAGE):
        if modules:
            config().only_mutate = [pattern for module in modules for pattern in patterns(module)]
        for module in modules:
            if not any(Path().glob(pattern) for pattern in patterns(module)):
                sys.exit(
                    f"The product has no module {module!r}. Example: make mutants "
                    'MODULES="walk allowance.lease"'
                )
        cli.main(["run"], standalone_mode=False)
        mutants = list(results())
    return report(mutants, equivalent())


def stage() -> None:
    """Lay the project out so that a path of the package is the name by which tests import it.

    mutmut derives the names of functions from the paths of their files.
    """
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    (STAGE / PACKAGE).symlink_to(ROOT / "layers" / PACKAGE / PACKAGE)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    for name in ("pyproject.toml", "tests", *settings["also_copy"]):
        (STAGE / name).symlink_to(ROOT / name)


def patterns(module: str) -> list[str]:
    """Return the patterns of the files of a module, or of a package of modules."""
    path = f"{PACKAGE}/{module.replace('.', '/')}"
    return [f"{path}.py", f"{path}/*"]


def results() -> Iterator[Mutant]:
    """Yield the mutants that mutmut has tested."""
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for name, exit_code in data.exit_code_by_key.items():
            module = get_module_from_key(name).removeprefix(f"{PACKAGE}.")
            function, class_name = orig_function_and_class_names_from_key(name)
            qualified = ".".join(part for part in (module, class_name, function) if part)
            _, _, *diff = get_diff_for_mutant(name, path=path).splitlines()
            yield Mutant(module, change(qualified, diff), status_by_exit_code[exit_code])


def equivalent() -> dict[Change, str]:
    """Return the equivalent mutants, and why no test can catch them."""
    listed = tomllib.loads(EQUIVALENT.read_text()).get("equivalent", [])
    return {
        change(entry["function"], entry["change"].splitlines()): entry["reason"] for entry in listed
    }


def change(function: str, diff: Iterable[str]) -> Change:
    """Return the change of a function that a diff shows."""
    lines = (f"{line[0]} {line[1:].strip()}" for line in diff if line[:1] in {"-", "+"})
    return Change(function, tuple(lines))


def report(mutants: Sequence[Mutant], reasons: Mapping[Change, str]) -> int:
    """Print what was not caught, and the results by module; return the exit status."""
    missed = {mutant for mutant in mutants if mutant.outcome(reasons) == "missed"}
    for mutant in mutants:
        if mutant in missed:
            print(f"\n{mutant.change.function}: {mutant.status}", *mutant.change.lines, sep="\n  ")
    print(f"\n{'module':<28}", *(f"{name:>10}" for name in (*OUTCOMES, "caught")))
    by_module: dict[str, Counter[str]] = {}
    for mutant in mutants:
        by_module.setdefault(mutant.module, Counter())[mutant.outcome(reasons)] += 1
    total = sum(by_module.values(), Counter())
    for module, counts in [*sorted(by_module.items()), ("all", total)]:
        print(
            f"{module:<28}",
            *(f"{counts[outcome]:>10}" for outcome in OUTCOMES),
            f"{share_caught(counts):>10.1%}",
        )
    obsolete = [
        change
        for change in reasons
        if change.function.startswith(tuple(f"{module}." for module in by_module))
        and change not in {mutant.change for mutant in mutants if not mutant.caught}
    ]
    for change in obsolete:
        print(f"\n{EQUIVALENT.name}: this mutant of {change.function} is caught or does not exist:")
        print(*change.lines, sep="\n")
    return int(bool(obsolete) or share_caught(total) < MINIMUM)


def share_caught(counts: Counter[str]) -> float:
    """Return the share of the mutants that were caught, among those that are not equivalent."""
    different = counts.total() - counts["equivalent"]
    return 1 - counts["missed"] / different if different else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
