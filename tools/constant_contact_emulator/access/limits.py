"""The vendor's limits: requests a second and a day for each API key."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import Lock
from typing import Self

from constant_contact_emulator.messages import Reply
from constant_contact_emulator.replies import gateway, quota_exceeded, throttled, token_throttled

_SECOND = 0.95
"""Shorter than a second, because a network may move the requests of a paced client together."""


@dataclass(slots=True)
class Limits:
    """Counts requests and refuses those over a limit; None disables a limit.

    Throttled requests count for the day, which begins at 00:00 UTC of the world's clock.
    Seconds are measured by the world's clock too, unless `pace_seconds` is set: set it for a
    clock that runs faster than real time.
    """

    per_second: int | None = 4
    per_day: int | None = 10_000
    token_per_second: int | None = 1
    pace_seconds: Callable[[], float] | None = None
    turns_late: timedelta = timedelta()
    """How long after 00:00 UTC the day begins."""
    through_gateway: bool = False
    """Whether the gateway refuses in place of the API, with bodies of its own."""
    spent: dict[str, int] = field(default_factory=dict)
    """Requests of the current day, by API key."""
    _day: str = ""
    _recent: dict[tuple[str, str], deque[float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def off(cls) -> Self:
        """Return limits that refuse nothing."""
        return cls(per_second=None, per_day=None, token_per_second=None)

    def refuse(self, key: str, now: datetime) -> Reply | None:
        """Count a request to the API; return the refusal if it is over a limit."""
        with self._lock:
            day = (now - self.turns_late).date().isoformat()
            if day != self._day:
                self._day = day
                self.spent.clear()
            spent = self.spent.get(key, 0)
            if self.per_day is not None and spent >= self.per_day:
                return self._over("Limit Exceeded") if self.through_gateway else quota_exceeded()
            self.spent[key] = spent + 1
            if self._within_pace("api", key, self.per_second, now):
                return None
            return self._over("Too Many Requests") if self.through_gateway else throttled()

    def refuse_token(self, key: str, now: datetime) -> Reply | None:
        """Count a request to the token endpoint; return the refusal if it is over the limit."""
        with self._lock:
            within_pace = self._within_pace("token", key, self.token_per_second, now)
            return None if within_pace else token_throttled()

    @staticmethod
    def _over(message: str) -> Reply:
        reply = gateway(HTTPStatus.TOO_MANY_REQUESTS)
        reply.payload = {"message": message}
        return reply

    def _within_pace(self, kind: str, key: str, limit: int | None, now: datetime) -> bool:
        if limit is None:
            return True
        second = self.pace_seconds() if self.pace_seconds else now.timestamp()
        recent = self._recent.setdefault((kind, key), deque())
        while recent and recent[0] <= second - _SECOND:
            recent.popleft()
        if len(recent) >= limit:
            return False
        recent.append(second)
        return True
