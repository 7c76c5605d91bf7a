"""What another version of the code stored with a value, and this version does not read.

Values carry it unread from where they are loaded to where they are stored, so that a write keeps
what a newer version has added. Its form is that of the store it came from.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

type Unknown = Mapping[str, Any]

NOTHING: Unknown = MappingProxyType({})


class Stored(Struct, frozen=True):
    """A value whose field `unknown` does not count where it is a key, since a mapping cannot."""

    def __hash__(self) -> int:
        names = (name for name in self.__struct_fields__ if name != "unknown")
        return hash(tuple(getattr(self, name) for name in names))
