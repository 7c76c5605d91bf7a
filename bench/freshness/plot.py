"""A small plot as SVG with logarithmic axes, readable on light and dark backgrounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

WIDTH, HEIGHT = 640, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 190, 16, 46
SECONDS = (5, 10, 30, 60, 300, 600, 1800)
LABELS = {60: "1 min", 300: "5 min", 600: "10 min", 1800: "30 min"}
COLOURS = ("#d1495b", "#b8860b", "#1f83b4", "#8a8d91", "#2a9d5c")
FONT = 'role="img" font-family="system-ui, sans-serif" font-size="12"'
STYLE = ".t{fill:#57606a}.g{stroke:#8a8d9155}@media(prefers-color-scheme:dark){.t{fill:#c9d1d9}}"
SPACING = 15
"""The least distance between two names at the right."""


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    points: Sequence[tuple[float, float]]
    """The number of activities, and the delay in seconds."""


def plot(lines: Sequence[Line]) -> str:
    """Return a picture of the delay against the number of activities."""
    numbers = [number for number, _ in lines[0].points]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        "<title>Mean delay of an open against the number of live activities</title>",
        f"<style>{STYLE}</style>",
    ]
    for seconds in SECONDS:
        y = _y(seconds)
        parts.append(f'<path class="g" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        label = LABELS.get(seconds, f"{seconds} s")
        parts.append(_text(LEFT - 6, y + 4, label, "end"))
    parts += [
        _text(_x(number, numbers), HEIGHT - BOTTOM + 18, f"{number:g}", "middle")
        for number in numbers
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(_text(middle, HEIGHT - 8, "live activities", "middle"))
    names = _spread([_y(line.points[-1][1]) for line in lines])
    for line, colour, name_y in zip(lines, COLOURS[: len(lines)], names, strict=True):
        places = [(_x(number, numbers), _y(seconds)) for number, seconds in line.points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        parts.append(
            f'<text x="{WIDTH - RIGHT + 10}" y="{name_y + 4:.1f}" fill="{colour}">'
            f"{line.name}</text>"
        )
    return "\n".join([*parts, "</svg>", ""])


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="t" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _x(number: float, numbers: Sequence[float]) -> float:
    share = log(number / numbers[0]) / log(numbers[-1] / numbers[0])
    return LEFT + 12 + share * (WIDTH - LEFT - RIGHT - 24)


def _y(seconds: float) -> float:
    share = log(seconds / SECONDS[0]) / log(SECONDS[-1] / SECONDS[0])
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _spread(heights: Sequence[float]) -> list[float]:
    """Move heights down where needed, so that names do not overlap."""
    moved: dict[int, float] = {}
    last = -float(SPACING)
    for place in sorted(range(len(heights)), key=heights.__getitem__):
        last = moved[place] = max(heights[place], last + SPACING)
    return [moved[place] for place in range(len(heights))]
