"""Whose an account is."""

from datetime import datetime, timedelta

from email_opens.model import Account

LONGEST_LEASE = timedelta(minutes=15)
"""No invocation lasts longer, so no lease may, whatever is stored."""


def is_anothers(account: Account, holder: str, now: datetime) -> bool:
    """Say whether another than the holder has the account's lease."""
    until = account.lease_until
    held = until is not None and now < until <= now + LONGEST_LEASE
    return held and account.lease_holder != holder
