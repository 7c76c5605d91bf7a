"""Figures beside what they should reach, as a Markdown table."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: what was measured, and what it should reach."""

    what: str
    measured: str
    reach: str = ""
    reached: bool | None = None
    """None: told for comparison, with nothing to reach."""


def show(title: str, figures: Iterable[Figure], *notes: str) -> None:
    verdict = {True: "yes", False: "NO", None: ""}
    print(f"\n### {title}\n")
    print("| figure | measured | reach | reached |")
    print("|---|---|---|---|")
    for one in figures:
        print(f"| {one.what} | {one.measured} | {one.reach} | {verdict[one.reached]} |")
    if notes:
        print()
    for note in notes:
        print(f"- {note}")
    print(flush=True)
