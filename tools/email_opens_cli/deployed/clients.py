"""Clients of AWS that threads share."""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError
from msgspec import Struct, field

if TYPE_CHECKING:
    from email_opens.adapters.aws.session import AwsSession

_MISSING = (
    "NonExistentQueue",
    "QueueDoesNotExist",
    "NotFound",
    "ResourceNotFoundException",
    "NoSuchEntity",
)
"""Parts of the codes with which AWS reports that a queue, topic, function or role is missing."""
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 3, 10, 3


class Clients(Struct):
    """Clients of AWS, each made once; several threads may share them."""

    session: "AwsSession"
    _made: dict[str, Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, service: str) -> Any:
        with self._lock:  # A session cannot make two clients at once.
            if service not in self._made:
                make: Callable[..., Any] = self.session.client
                self._made[service] = make(
                    service,
                    config=Config(
                        connect_timeout=_CONNECT_SECONDS,
                        read_timeout=_READ_SECONDS,
                        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                    ),
                )
            return self._made[service]


def code_of(error: ClientError) -> str:
    """Return the code with which AWS has refused a request."""
    code: str = error.response["Error"]["Code"]
    return code


def is_missing(error: ClientError) -> bool:
    """Return whether AWS reports that what a request names does not exist."""
    return any(part in code_of(error) for part in _MISSING)
