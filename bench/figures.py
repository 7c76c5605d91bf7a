"""Figures beside their targets, as a Markdown table."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table: a measured figure and its target."""

    name: str
    measured: str
    target: str = ""
    met: bool | None = None
    """None: the figure has no target."""


def show(title: str, figures: Iterable[Figure], *notes: str) -> None:
    verdict = {True: "yes", False: "NO", None: ""}
    print(f"\n### {title}\n")
    print("| figure | measured | target | met |")
    print("|---|---|---|---|")
    for figure in figures:
        print(f"| {figure.name} | {figure.measured} | {figure.target} | {verdict[figure.met]} |")
    if notes:
        print()
    for note in notes:
        print(f"- {note}")
    print(flush=True)
