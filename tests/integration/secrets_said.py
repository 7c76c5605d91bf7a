"""What no log, metric or error message may hold: tokens, the app's secret, e-mail addresses."""

import re

APP_SECRET = "the-secret-of-the-app"

_SECRET = re.compile(rf"\b(?:access|refresh)-[0-9a-f]{{8}}-[0-9a-f-]+|{APP_SECRET}|Bearer \S+")
"""Tokens as the emulator makes them."""
_ADDRESS = re.compile(r"\S*(?:@|\\u0040|%40)\S*")


def secrets_in(said: str) -> list[str]:
    return _SECRET.findall(said) + _ADDRESS.findall(said)
