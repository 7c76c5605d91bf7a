"""Storing tokens that the vendor issues only once, and remembering those that were stored."""

from datetime import datetime, timedelta

from email_opens.account import Tokens
from email_opens.adapters.retry import pause_seconds
from email_opens.confidential import Confidential
from email_opens.errors import AccountStopped
from email_opens.ports import Clock, Credentials

REMEMBERED = timedelta(minutes=5)
"""How long a process uses stored tokens without reading them again; reading them costs a call."""


class Remembered(Confidential, frozen=True):
    """Tokens as the store had them at an instant."""

    tokens: Tokens
    stored_at: datetime

    def is_recent(self, now: datetime) -> bool:
        return timedelta() <= now - self.stored_at < REMEMBERED


class Renewed(Confidential, frozen=True, kw_only=True):
    """A pair of tokens from the vendor, which the store may lack."""

    spent: str
    """The refresh token that the pair replaces."""
    tokens: Tokens
    stored: bool = False

    def completes(self, stored: Tokens) -> bool:
        """Return whether the pair holds more than what the store returns."""
        if self.stored:
            # The access token did not fit the store.
            same = stored.refresh_token == self.tokens.refresh_token
            return same and stored.access_token is None
        return stored.refresh_token == self.spent


def store_until(
    credentials: Credentials, account_id: str, tokens: Tokens, clock: Clock, until: datetime
) -> None:
    """Store tokens that the vendor issues only once; while the store refuses them, try again.

    Raises:
        InvalidInput: they do not fit the store.
        AccountStopped: the store still refuses them at the instant `until`.
    """
    failures = 0
    while True:
        try:
            credentials.store(account_id, tokens)
        except AccountStopped:
            failures += 1
            seconds = pause_seconds(failures)
            if clock.now() + timedelta(seconds=seconds) >= until:
                raise
            clock.sleep(seconds)
        else:
            return
