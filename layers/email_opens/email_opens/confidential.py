"""Values that no log and no traceback may show: secrets, addresses, and what contains them."""

from msgspec import Struct


class Confidential(Struct, frozen=True):
    """A value of which only the kind is shown."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"
