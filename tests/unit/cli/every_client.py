"""Replies of AWS to the clients that a command creates, which a test cannot reach."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore import handlers


def every_client(monkeypatch: pytest.MonkeyPatch, service: str) -> Any:
    """Return what stands, for `Answers`, for every client of a service that is created later."""
    registered = list(handlers.BUILTIN_HANDLERS)
    monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", registered)
    return SimpleNamespace(
        meta=SimpleNamespace(
            service_model=SimpleNamespace(service_id=SimpleNamespace(hyphenize=lambda: service)),
            events=SimpleNamespace(register=lambda event, act: registered.append((event, act))),
        )
    )
