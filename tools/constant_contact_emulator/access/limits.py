"""The vendor's limits: so many requests a second and a day for each API key."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Self

from constant_contact_emulator.messages import Reply
from constant_contact_emulator.replies import quota_exceeded, throttled, token_throttled

_SECOND = 0.95
"""A second less a little, for what a network does to a client that keeps the pace."""


@dataclass(slots=True)
class Limits:
    """None is no limit; every request counts for the day, throttled ones too.

    The day turns at 00:00 UTC of the world's clock. The seconds are the world's as well,
    unless `pace_seconds` gives them, which a world that runs fast should.
    """

    per_second: int | None = 4
    per_day: int | None = 10_000
    token_per_second: int | None = 1
    pace_seconds: Callable[[], float] | None = None
    spent: dict[str, int] = field(default_factory=dict)
    """Requests of the current day, by API key."""
    _day: str = ""
    _recent: dict[tuple[str, str], deque[float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def off(cls) -> Self:
        return cls(per_second=None, per_day=None, token_per_second=None)

    def refuse(self, key: str, now: datetime) -> Reply | None:
        """Count a request of the API; return the refusal, if it is one too many."""
        with self._lock:
            day = now.date().isoformat()
            if day != self._day:
                self._day = day
                self.spent.clear()
            spent = self.spent.get(key, 0)
            if self.per_day is not None and spent >= self.per_day:
                return quota_exceeded()
            self.spent[key] = spent + 1
            return None if self._paced("api", key, self.per_second, now) else throttled()

    def refuse_token(self, key: str, now: datetime) -> Reply | None:
        """Count a request of the token endpoint."""
        with self._lock:
            paced = self._paced("token", key, self.token_per_second, now)
            return None if paced else token_throttled()

    def _paced(self, kind: str, key: str, most: int | None, now: datetime) -> bool:
        if most is None:
            return True
        second = self.pace_seconds() if self.pace_seconds else now.timestamp()
        recent = self._recent.setdefault((kind, key), deque())
        while recent and recent[0] <= second - _SECOND:
            recent.popleft()
        if len(recent) >= most:
            return False
        recent.append(second)
        return True
