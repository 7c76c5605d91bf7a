"""In-memory implementations of the ports; they pass the adapters' contract suites."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import replace
from datetime import UTC, datetime, timedelta

from email_opens.account import Account, CounterTrust, Hours, KeyShare, Searches, Tokens, WakeUp
from email_opens.allowance.lease import check_wake_up, is_held_by_another
from email_opens.errors import AccountDisconnected, LostRace, PublishFailed
from email_opens.events import message
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Delivery
from tests.event_schema import checked


class FakeClock:
    """A clock that moves only when `sleep` is called."""

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
            name: set(marks)
            for name, marks in buckets.items()
            if first_bucket <= name <= last_bucket
        }

    def append(self, campaign_activity_id: str, entries: Mapping[str, Collection[bytes]]) -> None:
        buckets = self.entries.setdefault(campaign_activity_id, {})
        for name, marks in entries.items():
            buckets.setdefault(name, set()).update(marks)


class MemoryDecisions:
    def __init__(self) -> None:
        self.partitions: dict[str, dict[bytes, bytes]] = {}

    def decide(self, partition: str, wanted: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        stored = self.partitions.setdefault(partition, {})
        return {key: stored.setdefault(key, value) for key, value in wanted.items()}

    def decided(self, partition: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        stored = self.partitions.get(partition, {})
        return {key: stored[key] for key in keys if key in stored}


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
        woken_by: str | None = None,
    ) -> Account | None:
        account = self.accounts.get(account_id, Account(account_id=account_id))
        check_wake_up(account, woken_by)
        if is_held_by_another(account, holder, now):
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
            wake_up=None,
        )
        return account

    def reserve(
        self, account_id: str, *, holder: str, day: str, counted: int, requests: int
    ) -> bool:
        account = self.accounts.get(account_id, Account(account_id=account_id))
        stored = account.lease_holder, account.requests_day, account.requests_spent
        if stored != (holder, day, counted):
            return False
        self.accounts[account_id] = replace(account, requests_spent=counted + requests)
        return True

    def release(
        self,
        account_id: str,
        *,
        holder: str,
        day: str,
        unused: int,
        closed_until: datetime | None,
        last_error: str | None,
        counter_trust: CounterTrust | None = None,
        hours: Hours | None = None,
        rests_until: datetime | None = None,
        outages: int = 0,
        turn_completed_at: datetime | None = None,
        searches: Searches | None = None,
        key_share: KeyShare | None = None,
        wake_up: WakeUp | None = None,
    ) -> None:
        account = self.accounts.get(account_id)
        if account is None or account.lease_holder != holder:
            return
        returned = unused if account.requests_day == day else 0
        self.accounts[account_id] = replace(
            account,
            lease_holder=None,
            lease_until=None,
            requests_spent=account.requests_spent - returned,
            closed_until=closed_until,
            rests_until=rests_until,
            outages=outages,
            last_error=last_error,
            turn_completed_at=turn_completed_at or account.turn_completed_at,
            searches=searches or account.searches,
            counter_trust=counter_trust or account.counter_trust,
            hours=hours or account.hours,
            key_share=key_share or account.key_share,
            wake_up=wake_up or account.wake_up,
        )

    def name_vendor_account(self, account_id: str, *, holder: str, vendor_account_id: str) -> bool:
        account = self.accounts.get(account_id)
        if account is None or account.lease_holder != holder:
            return False
        self.accounts[account_id] = replace(account, vendor_account_id=vendor_account_id)
        return True

    def account(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    def activities(self, account_id: str) -> list[Activity]:
        return [item for (owner, _), item in self.items.items() if owner == account_id]

    def current(self, account_id: str) -> list[Activity]:
        return [activity for activity in self.activities(account_id) if not activity.archived]

    def archived(self, account_id: str, *, after: str | None, most: int) -> list[Activity]:
        found = [activity for activity in self.activities(account_id) if activity.archived]
        found.sort(key=lambda activity: activity.campaign_activity_id)
        return [each for each in found if each.campaign_activity_id > (after or "")][:most]

    def archive(self, activity: Activity) -> Activity:
        return self._replace(activity, archived=True)

    def add(self, activity: Activity) -> bool:
        key = activity.account_id, activity.campaign_activity_id
        if key in self.items:
            return False
        self.items[key] = activity
        return True

    def save(self, activity: Activity) -> Activity:
        return self._replace(activity, archived=False)

    def _replace(self, activity: Activity, *, archived: bool) -> Activity:
        key = activity.account_id, activity.campaign_activity_id
        stored = self.items.get(key)
        read = activity.version, activity.tracked_at
        if stored is None or (stored.version, stored.tracked_at) != read:
            raise LostRace(
                f"Activity {activity.campaign_activity_id} was changed by another writer since it "
                "was read."
            )
        self.items[key] = replace(activity, archived=archived, version=activity.version + 1)
        return self.items[key]

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        return self.items.pop((account_id, campaign_activity_id), None) is not None


class MemoryPublisher:
    """A topic and a dead-letter queue; a test sets which events are refused, or that all fail."""

    def __init__(self) -> None:
        self.published: list[str] = []
        """Messages, as subscribers receive them."""
        self.dead_letters: list[tuple[str, str]] = []
        """Messages or rows, with the reason."""
        self.refused: set[str] = set()
        """Ids of the events that the topic refuses for good."""
        self.failing: set[str] = set()
        """Ids of the events that the topic neither accepts nor refuses for good."""
        self.topic_is_down = False
        self.queue_is_down = False

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        del now
        settled: list[NewOpen] = []
        failure = None
        dead = 0
        for new in opens:
            body = checked(message(activity, new))
            if self.topic_is_down or new.event_id in self.failing:
                failure = PublishFailed("The topic is down.")
            elif new.event_id not in self.refused:
                self.published.append(body)
                settled.append(new)
            elif self._bury(body, "InvalidParameter"):
                dead += 1
                settled.append(new)
            else:
                failure = PublishFailed("The dead-letter queue is down.")
        return Delivery(settled=tuple(settled), dead_lettered=dead, failure=failure)

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        settled = []
        for row in rows:
            letter = {
                "account_id": activity.account_id,
                "campaign_activity_id": activity.campaign_activity_id,
                "row": row.row,
            }
            if self._bury(json.dumps(letter), row.reason):
                settled.append(row)
        failure = PublishFailed("The dead-letter queue is down.") if self.queue_is_down else None
        return Delivery(settled=tuple(settled), failure=failure if rows else None)

    def _bury(self, body: str, reason: str) -> bool:
        if not self.queue_is_down:
            self.dead_letters.append((body, reason))
        return not self.queue_is_down


class MemoryCredentials:
    def __init__(self) -> None:
        self.tokens: dict[str, Tokens] = {}

    def load(self, account_id: str) -> Tokens:
        if account_id not in self.tokens:
            raise AccountDisconnected(
                f"Account “{account_id}” has no credentials: "
                f"run `email-opens connect {account_id}`."
            )
        return self.tokens[account_id]

    def rewrite(self, account_id: str) -> Tokens:
        return self.load(account_id)

    def store(self, account_id: str, tokens: Tokens) -> None:
        self.tokens[account_id] = tokens
