"""Values whose content no log and no traceback may show, such as secrets and addresses."""

from msgspec import Struct


class Confidential(Struct, frozen=True):
    """A value whose `repr` shows only the name of its class."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"
