"""Odd fields for rows that are otherwise good opens: `world.add_open(…, extra=ODD_FIELDS[name])`.

The fields are of no use to a reader, so each costs at most its own row.
"""

from collections.abc import Mapping
from typing import Any

from constant_contact_emulator.messages import Raw

ODD_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "tab": {"first_name": Raw(b'"Rea\tder"')},
    "newline": {"first_name": Raw(b'"Rea\nder"')},
    "control": {"first_name": Raw(b'"Rea\x01der"')},
    "latin_1": {"first_name": Raw(b'"Ren\xe9e"')},
    "cut_utf_8": {"first_name": Raw(b'"Ren\xc3"')},
    "long_integer": {"first_name": Raw(b"9" * 4301)},
    "deep_nesting": {"first_name": Raw(b"[" * 20_000 + b"]" * 20_000)},
    "null_name": {"first_name": None},
    "null_device": {"device_type": None},
    "null_address": {"email_address": None},
}
