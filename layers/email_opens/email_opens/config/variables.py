"""Variables of the environment, and how each is read."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_PRINTABLE = re.compile(r"[!-~]+")

MOST = 10_000_000
"""The largest value of any number."""


class Variable(NamedTuple):
    """A variable of the environment, and how it is read."""

    name: str
    default: str
    parse: Callable[[str], Any]
    """Raises ValueError with the end of a sentence if the variable cannot be used."""
    aliases: tuple[str, ...] = ()
    """Variables that are read instead if they are set."""

    def read(self, environment: Mapping[str, str]) -> Any:
        """Return the setting; raises as `parse`."""
        texts = (environment.get(alias, "").strip() for alias in self.aliases)
        found = next(filter(None, texts), environment.get(self.name, self.default))
        return self.parse(found.strip())


def text(variable: str, expected: str, start: str = "") -> Variable:
    def parse(value: str) -> str:
        if not value:
            raise ValueError(f"is not set; it should be {expected}")
        if not value.startswith(start):
            raise ValueError(f"is malformed; it should be {expected}")
        return value

    return Variable(variable, "", parse)


def url(variable: str, default: str) -> Variable:
    def parse(value: str) -> str:
        if not _is_secure(value.rstrip("/")):
            raise ValueError(f"is malformed; it should be an https address such as {default}")
        return value.rstrip("/")

    return Variable(variable, default, parse)


def number(
    variable: str,
    default: int,
    unit: str,
    least: int = 1,
    most: int = MOST,
    convert: Callable[[int], Any] = int,
) -> Variable:
    def parse(value: str) -> Any:
        if not (value.isascii() and value.isdigit() and least <= int(value[:99]) <= most):
            bounds = f"{least} or more" if most == MOST else f"{least} to {most}"
            raise ValueError(f"is malformed; it should be a whole number of {unit}, {bounds}")
        return convert(int(value))

    return Variable(variable, str(default), parse)


def choice[T: StrEnum](variable: str, default: T, choices: type[T]) -> Variable:
    def parse(value: str) -> T:
        try:
            return choices(value.lower())
        except ValueError:
            *others, last = choices
            raise ValueError(f"is malformed; it should be {', '.join(others)} or {last}") from None

    return Variable(variable, default, parse)


def switch(variable: str, default: str) -> Variable:
    """Return a variable that is ENABLED or DISABLED."""

    def parse(value: str) -> bool:
        if value.upper() not in ("ENABLED", "DISABLED"):
            raise ValueError("is malformed; it should be ENABLED or DISABLED")
        return value.upper() == "ENABLED"

    return Variable(variable, default, parse)


def days(number_of_days: int) -> timedelta:
    return timedelta(days=number_of_days)


def _is_secure(address: str) -> bool:
    """Return whether an address is https, or http on this machine, without query or user."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    more = parts.query or parts.fragment or "@" in parts.netloc or not _PRINTABLE.fullmatch(address)
    local = host in ("localhost", "127.0.0.1")
    return bool(host and not more) and (
        parts.scheme == "https" or (parts.scheme == "http" and local)
    )
