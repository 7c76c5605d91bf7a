"""Tracking in a SQLite file, for use without AWS.

One process at a time has the file open, so transactions suffice as conditions. A restarted process
uses the same holder's name, and so takes over the lease of a killed one at once.
"""

import json
import sqlite3
from collections.abc import Callable
from copy import replace
from datetime import datetime

from email_opens.account import Account, CounterTrust, Hours, KeyShare, Searches, WakeUp
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.records.accounts import account_from, account_record
from email_opens.adapters.records.activities import activity_from, activity_record
from email_opens.allowance.lease import check_wake_up, is_held_by_another
from email_opens.errors import LostRace
from email_opens.instants import iso
from email_opens.model import Activity


class SqliteTracking:
    """Implements `email_opens.ports.Tracking`."""

    def __init__(
        self, state: StateFile, on_save: Callable[[Activity], None] = lambda _: None
    ) -> None:
        """Call `on_save` with each activity that has been saved."""
        self._state = state
        self._on_save = on_save

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
        with self._state.transaction() as connection:
            account = _account(connection, account_id) or Account(account_id=account_id)
            check_wake_up(account, woken_by)
            if is_held_by_another(account, holder, now):
                return None
            today = now.date().isoformat()
            if account.requests_day != today:
                account = replace(account, requests_day=today, requests_spent=0)
            reserved = max(0, min(reserve, budget - account.requests_spent))
            leased = replace(
                account,
                lease_holder=holder,
                lease_until=until,
                requests_spent=account.requests_spent + reserved,
                wake_up=None,
            )
            _store_account(connection, leased)
        return account

    def reserve(
        self, account_id: str, *, holder: str, day: str, counted: int, requests: int
    ) -> bool:
        with self._state.transaction() as connection:
            account = _account(connection, account_id) or Account(account_id=account_id)
            stored = account.lease_holder, account.requests_day, account.requests_spent
            if stored != (holder, day, counted):
                return False
            _store_account(connection, replace(account, requests_spent=counted + requests))
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
        with self._state.transaction() as connection:
            account = _account(connection, account_id)
            if account is None or account.lease_holder != holder:
                return
            returned = unused if account.requests_day == day else 0
            released = replace(
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
            _store_account(connection, released)

    def name_vendor_account(self, account_id: str, *, holder: str, vendor_account_id: str) -> bool:
        with self._state.transaction() as connection:
            account = _account(connection, account_id)
            if account is None or account.lease_holder != holder:
                return False
            _store_account(connection, replace(account, vendor_account_id=vendor_account_id))
        return True

    def account(self, account_id: str) -> Account | None:
        with self._state.transaction() as connection:
            return _account(connection, account_id)

    def activities(self, account_id: str) -> list[Activity]:
        archived = self.archived(account_id, after=None, most=-1)
        # A version that reads no archived items may have tracked an activity again.
        by_id = {each.campaign_activity_id: each for each in (*archived, *self.current(account_id))}
        return list(by_id.values())

    def current(self, account_id: str) -> list[Activity]:
        with self._state.transaction() as connection:
            found = connection.execute(
                "SELECT item FROM activities WHERE account_id = ?", (account_id,)
            ).fetchall()
        return [activity_from(json.loads(item)) for (item,) in found]

    def archived(self, account_id: str, *, after: str | None, most: int) -> list[Activity]:
        with self._state.transaction() as connection:
            found = connection.execute(
                "SELECT item FROM archived WHERE account_id = ? AND campaign_activity_id > ?"
                " ORDER BY campaign_activity_id LIMIT ?",
                (account_id, after or "", most),
            ).fetchall()
        return [activity_from(json.loads(item)) for (item,) in found]

    def archive(self, activity: Activity) -> Activity:
        written = replace(activity, archived=True, version=activity.version + 1)
        with self._state.transaction() as connection:
            _remove(connection, activity)
            _insert(connection, "INSERT OR REPLACE INTO archived", written)
        return written

    def add(self, activity: Activity) -> bool:
        with self._state.transaction() as connection:
            key = activity.account_id, activity.campaign_activity_id
            archived = connection.execute(
                "SELECT 1 FROM archived WHERE account_id = ? AND campaign_activity_id = ?", key
            ).fetchone()
            return not archived and _insert(
                connection, "INSERT OR IGNORE INTO activities", activity
            )

    def save(self, activity: Activity) -> Activity:
        written = replace(activity, archived=False, version=activity.version + 1)
        with self._state.transaction() as connection:
            if activity.archived:
                _remove(connection, activity)
                if not _insert(connection, "INSERT OR IGNORE INTO activities", written):
                    raise _lost(activity)
            else:
                _update(connection, activity, written)
        self._on_save(written)
        return written

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        key = account_id, campaign_activity_id
        condition = "WHERE account_id = ? AND campaign_activity_id = ?"
        with self._state.transaction() as connection:
            removed = connection.execute(f"DELETE FROM activities {condition}", key).rowcount  # noqa: S608
            removed += connection.execute(f"DELETE FROM archived {condition}", key).rowcount  # noqa: S608
        return removed > 0


def _insert(connection: sqlite3.Connection, insert: str, activity: Activity) -> bool:
    inserted = connection.execute(
        f"{insert} (account_id, campaign_activity_id, version, tracked_at, item)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            activity.account_id,
            activity.campaign_activity_id,
            activity.version,
            iso(activity.tracked_at),
            json.dumps(activity_record(activity)),
        ),
    )
    return inserted.rowcount == 1


_AS_READ = "WHERE account_id = ? AND campaign_activity_id = ? AND version = ? AND tracked_at = ?"


def _key_as_read(activity: Activity) -> tuple[str, str, int, str]:
    activity_id, tracked_at = activity.campaign_activity_id, iso(activity.tracked_at)
    return activity.account_id, activity_id, activity.version, tracked_at


def _update(connection: sqlite3.Connection, before: Activity, written: Activity) -> None:
    saved = connection.execute(
        f"UPDATE activities SET version = ?, item = ? {_AS_READ}",  # noqa: S608
        (written.version, json.dumps(activity_record(written)), *_key_as_read(before)),
    )
    if saved.rowcount != 1:
        raise _lost(before)


def _remove(connection: sqlite3.Connection, activity: Activity) -> None:
    table = "archived" if activity.archived else "activities"
    removed = connection.execute(f"DELETE FROM {table} {_AS_READ}", _key_as_read(activity))  # noqa: S608
    if removed.rowcount != 1:
        raise _lost(activity)


def _lost(activity: Activity) -> LostRace:
    return LostRace(
        f"Activity {activity.campaign_activity_id} was changed by another writer since it was read."
    )


def _account(connection: sqlite3.Connection, account_id: str) -> Account | None:
    found = connection.execute(
        "SELECT item FROM accounts WHERE account_id = ?", (account_id,)
    ).fetchone()
    return account_from(account_id, json.loads(found[0])) if found else None


def _store_account(connection: sqlite3.Connection, account: Account) -> None:
    connection.execute(
        "INSERT INTO accounts (account_id, item) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET item = excluded.item",
        (account.account_id, json.dumps(account_record(account))),
    )
