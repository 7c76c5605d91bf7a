"""Which post may show an open: exactly one in each attempt.

Before a post, its 8 bytes are proposed as the decision on each of its opens, under a key made of
the event's id and the number of the attempt. The first proposal stands, so of two posts with the
same open only one shows it. After the post, its outcome is stored under the post's own bytes. An
invocation that finds the decision of another post reads the outcome of that post:

| outcome | the open |
|---|---|
| sent | is shown: nothing is left to do |
| failed | is not shown: the next attempt begins |
| none, before the claim ends | is being posted by another invocation |
| none, after that | was in a post that was interrupted: it is unknown whether it is shown |
"""

import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from hashlib import blake2b
from types import MappingProxyType

from msgspec import Struct

from email_opens.alerts.ports import LONGEST_POST
from email_opens.ports import Clock, Decisions

CLAIMED = timedelta(seconds=60)
"""How long others wait for the outcome of a post."""
_MARGIN = timedelta(seconds=20)
"""What is left of a claim after the post, to store its outcome, and for clocks that differ."""
MOST_ATTEMPTS = 1_000
"""More than the queue delivers a message, and so more than are ever needed."""
_INSTANT_BYTES = 4
_RANDOM_BYTES = 4


class Outcome(Enum):
    """What became of a post, as 8 bytes."""

    SENT = b"sent    "
    FAILED = b"failed  "
    """It was certainly not shown."""


class Claim(Struct, frozen=True, kw_only=True):
    """What became of the opens that one post was to show."""

    post: bytes
    """Identifies the post: the second until which it is claimed, and a random number."""
    ours: frozenset[str]
    """The events that this post must show, and no other post will."""
    shown: frozenset[str]
    elsewhere: dict[str, datetime]
    """Those that another invocation is posting, each with the end of its claim."""
    unknown: frozenset[str]
    """Those in a post that was interrupted."""

    @property
    def latest_start(self) -> datetime:
        """The latest start of the request for its outcome to be stored before the claim ends."""
        return _end_of(self.post) - LONGEST_POST - _MARGIN


class Deduplication:
    def __init__(
        self,
        decisions: Decisions,
        clock: Clock,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._decisions = decisions
        self._clock = clock
        self._random = random

    def claim(
        self,
        partition: str,
        events: Collection[str],
        retried: Mapping[str, datetime] = MappingProxyType({}),
    ) -> Claim:
        """Claim events for one post; its outcome must be stored with `settle`.

        `retried` has the events that a person has sent again, and when: what was interrupted before
        that is attempted once more.

        Raises:
            EmailOpensError: the claims could not be stored; some may be.
        """
        post = self._new_post()
        ours, shown, unknown = set[str](), set[str](), set[str]()
        elsewhere: dict[str, datetime] = {}
        attempting = list(dict.fromkeys(events))
        for attempt in range(MOST_ATTEMPTS):
            if not attempting:
                break
            keys = {event: _key(event, attempt) for event in attempting}
            decided = self._decisions.decide(partition, dict.fromkeys(keys.values(), post))
            others = {decided[key] for key in keys.values()} - {post}
            outcomes = self._decisions.decided(_posts(partition), others) if others else {}
            attempting = []
            for event, key in keys.items():
                decision = decided[key]
                outcome = outcomes.get(decision)
                if decision == post:
                    ours.add(event)
                elif outcome == Outcome.SENT.value:
                    shown.add(event)
                elif outcome == Outcome.FAILED.value:
                    attempting.append(event)
                elif self._clock.now() < _end_of(decision):
                    elsewhere[event] = _end_of(decision)
                elif event in retried and _end_of(decision) - CLAIMED < retried[event]:
                    attempting.append(event)
                else:
                    unknown.add(event)
        return Claim(
            post=post,
            ours=frozenset(ours),
            shown=frozenset(shown),
            elsewhere=elsewhere,
            unknown=frozenset(unknown.union(attempting)),
        )

    def settle(self, partition: str, claim: Claim, outcome: Outcome) -> None:
        """Store the outcome of a post.

        Raises:
            EmailOpensError: it could not be stored.
        """
        self._decisions.decide(_posts(partition), {claim.post: outcome.value})

    def _new_post(self) -> bytes:
        end = int((self._clock.now() + CLAIMED).timestamp())
        return end.to_bytes(_INSTANT_BYTES) + self._random(_RANDOM_BYTES)


def _posts(partition: str) -> str:
    """Return the partition of the outcomes of a partition's posts."""
    return f"{partition}#posts"


def _key(event: str, attempt: int) -> bytes:
    return blake2b(f"{event}\n{attempt}".encode(), digest_size=8).digest()


def _end_of(post: bytes) -> datetime:
    return datetime.fromtimestamp(int.from_bytes(post[:_INSTANT_BYTES]), UTC)
