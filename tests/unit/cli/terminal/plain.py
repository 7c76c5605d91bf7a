"""What a terminal shows, without colours and cursor movements."""

import re
from io import StringIO

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def plain(file: StringIO) -> str:
    return _CONTROLS.sub("", file.getvalue())
