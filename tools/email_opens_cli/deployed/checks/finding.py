"""What a check is given, and what it finds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email_opens.bootstrap import EmailOpens

GOOD, WRONG, UNCHECKED = "✓", "✗", "-"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check, and what to do about it."""

    mark: str
    subject: str
    what: str
    remedy: str | None = None

    @property
    def is_wrong(self) -> bool:
        return self.mark == WRONG


good, wrong, unchecked = (partial(Finding, mark) for mark in (GOOD, WRONG, UNCHECKED))


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed product, and the account to check."""

    product: "EmailOpens"
    account_id: str
    stack: str | None
    environment: Mapping[str, str]
    wait: timedelta
    """How long to wait for the account's lease."""


type Check = Callable[[Deployment], Iterable[Finding]]
