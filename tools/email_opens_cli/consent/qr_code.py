"""An address as a QR code of half-block characters, for a terminal."""

from itertools import zip_longest

import segno
from rich.style import Style
from rich.text import Text

QUIET_ZONE = 2
"""Modules around the code: the standard requires four, but two are enough on a screen."""

_LIGHT_ON_DARK = Style(color="bright_white", bgcolor="black")
_BLOCKS = {(1, 1): " ", (0, 1): "▀", (1, 0): "▄", (0, 0): "█"}
"""By the upper and the lower module; 1 is dark, like the background."""


def qr_code(address: str, columns: int) -> Text | None:
    """Return the code, or None if it is wider than `columns`."""
    code = segno.make_qr(address, error="l", boost_error=False)
    width, _ = code.symbol_size(border=QUIET_ZONE)
    if width > columns:
        return None
    rows = [[int(module) for module in row] for row in code.matrix_iter(border=QUIET_ZONE)]
    light = [0] * int(width)
    pairs = zip_longest(rows[::2], rows[1::2], fillvalue=light)
    lines = [
        "".join(_BLOCKS[pair] for pair in zip(*pair_of_rows, strict=True)) for pair_of_rows in pairs
    ]
    return Text("\n".join(lines), style=_LIGHT_ON_DARK, no_wrap=True)
