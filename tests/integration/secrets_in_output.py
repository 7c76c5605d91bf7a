"""What no log, metric or error message may contain: tokens, the app's secret, addresses."""

import re

APP_SECRET = "the-secret-of-the-app"

_SECRET = re.compile(rf"\b(?:access|refresh)-[0-9a-f]{{8}}-[0-9a-f-]+|{APP_SECRET}|Bearer \S+")
"""Includes tokens in the form in which the emulator issues them."""
_ADDRESS = re.compile(r"\S*(?:@|\\u0040|%40)\S*")


def secrets_in(text: str) -> list[str]:
    return _SECRET.findall(text) + _ADDRESS.findall(text)
