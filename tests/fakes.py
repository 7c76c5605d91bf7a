"""Ports kept in memory; they pass the same contract suites as the real adapters."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from email_opens.errors import LostRace
from email_opens.model import Account, Activity


class FakeClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self, now: datetime = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)) -> None:
        self.instant = now

    def now(self) -> datetime:
        return self.instant

    def sleep(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


class MemoryLedger:
    def __init__(self) -> None:
        self.entries: dict[str, dict[str, set[bytes]]] = {}

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> dict[str, set[bytes]]:
        buckets = self.entries.get(campaign_activity_id, {})
        return {
            name: set(known)
            for name, known in buckets.items()
            if first_bucket <= name <= last_bucket
        }

    def append(self, campaign_activity_id: str, entries: dict[str, Collection[bytes]]) -> None:
        buckets = self.entries.setdefault(campaign_activity_id, {})
        for name, known in entries.items():
            buckets.setdefault(name, set()).update(known)


class MemoryTracking:
    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.items: dict[tuple[str, str], Activity] = {}

    def lease(
        self,
        account_id: str,
        *,
        holder: str,
        now: datetime,
        until: datetime,
        reserve: int,
        budget: int,
    ) -> Account | None:
        account = self.accounts.get(account_id, Account(account_id=account_id))
        held = account.lease_until is not None and account.lease_until > now
        if held and account.lease_holder != holder:
            return None
        today = now.date().isoformat()
        if account.requests_day != today:
            account = replace(account, requests_day=today, requests_spent=0)
        reserved = max(0, min(reserve, budget - account.requests_spent))
        self.accounts[account_id] = replace(
            account,
            lease_holder=holder,
            lease_until=until,
            requests_spent=account.requests_spent + reserved,
        )
        return account

    def release(
        self,
        account_id: str,
        *,
        holder: str,
        day: str,
        unused: int,
        closed_until: datetime | None,
        last_error: str | None,
    ) -> None:
        account = self.accounts.get(account_id)
        if account is None or account.lease_holder != holder:
            return
        given_back = unused if account.requests_day == day else 0
        self.accounts[account_id] = replace(
            account,
            lease_holder=None,
            lease_until=None,
            requests_spent=account.requests_spent - given_back,
            closed_until=closed_until,
            last_error=last_error,
        )

    def account(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    def activities(self, account_id: str) -> list[Activity]:
        return [item for (owner, _), item in self.items.items() if owner == account_id]

    def add(self, activity: Activity) -> bool:
        key = activity.account_id, activity.campaign_activity_id
        if key in self.items:
            return False
        self.items[key] = activity
        return True

    def save(self, activity: Activity) -> Activity:
        key = activity.account_id, activity.campaign_activity_id
        if key not in self.items or self.items[key].version != activity.version:
            raise LostRace("Another invocation has written this activity.")
        self.items[key] = replace(activity, version=activity.version + 1)
        return self.items[key]

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        return self.items.pop((account_id, campaign_activity_id), None) is not None
