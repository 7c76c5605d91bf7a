"""What another version of the code stored with a value, and this version does not read.

Values carry it unread from where they are loaded to where they are stored, so that a write keeps
what a newer version has added. Its form is that of the store it came from.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

type Unknown = Mapping[str, Any]

NOTHING: Unknown = MappingProxyType({})
