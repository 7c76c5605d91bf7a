"""What a check is given, and what it finds."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from email_opens.bootstrap.product import EmailOpens
    from email_opens_cli.deployed.clients import Clients


class Result(StrEnum):
    """What a check comes to."""

    OK = "ok"
    WARNING = "warning"
    """Opens arrive, but something is likely to be a mistake."""
    FAILED = "failed"
    """Opens do not arrive, or will soon stop arriving."""
    SKIPPED = "skipped"


class Finding(Struct, frozen=True):
    """The result of a check, and what to do about it."""

    result: Result
    subject: str
    what: str
    remedy: str | None = None


good, warning, wrong, unchecked = (partial(Finding, result) for result in Result)


class Deployment(Struct, frozen=True, kw_only=True):
    """A deployed product, and the account to check."""

    product: "EmailOpens"
    clients: "Clients"
    account_id: str
    stack: str | None
    environment: Mapping[str, str]
    parameters: Mapping[str, str]
    """Those of the stack; empty without a stack."""
    wait: timedelta
    """How long to wait for the account's lease."""
    on_wait: Callable[[str], None]


type Check = Callable[[Deployment], Iterable[Finding]]


def not_without_stack(subject: str) -> Finding:
    return unchecked(subject, "not checked", "Add --stack NAME.")
