"""Tracking in a SQLite file, for use without AWS.

One process at a time has the file open, so transactions suffice as conditions. A restarted process
uses the same holder's name, and so takes over the lease of a killed one at once.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
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
        with self._state.transaction() as connection:
            found = connection.execute(
                "SELECT item FROM activities WHERE account_id = ?", (account_id,)
            ).fetchall()
        return [activity_from(json.loads(item)) for (item,) in found]

    def add(self, activity: Activity) -> bool:
        with self._state.transaction() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO activities VALUES (?, ?, ?, ?, ?)",
                (
                    activity.account_id,
                    activity.campaign_activity_id,
                    activity.version,
                    iso(activity.tracked_at),
                    json.dumps(activity_record(activity)),
                ),
            )
        return added.rowcount == 1

    def save(self, activity: Activity) -> Activity:
        written = replace(activity, version=activity.version + 1)
        with self._state.transaction() as connection:
            saved = connection.execute(
                "UPDATE activities SET version = ?, item = ? WHERE account_id = ?"
                " AND campaign_activity_id = ? AND version = ? AND tracked_at = ?",
                (
                    written.version,
                    json.dumps(activity_record(written)),
                    activity.account_id,
                    activity.campaign_activity_id,
                    activity.version,
                    iso(activity.tracked_at),
                ),
            )
        if saved.rowcount != 1:
            raise LostRace(
                f"Activity {activity.campaign_activity_id} was changed by another writer since it "
                "was read."
            )
        self._on_save(written)
        return written

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        with self._state.transaction() as connection:
            removed = connection.execute(
                "DELETE FROM activities WHERE account_id = ? AND campaign_activity_id = ?",
                (account_id, campaign_activity_id),
            )
        return removed.rowcount == 1


def _account(connection: sqlite3.Connection, account_id: str) -> Account | None:
    found = connection.execute(
        "SELECT item FROM accounts WHERE account_id = ?", (account_id,)
    ).fetchone()
    return account_from(account_id, json.loads(found[0])) if found else None


def _store_account(connection: sqlite3.Connection, account: Account) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO accounts VALUES (?, ?)",
        (account.account_id, json.dumps(account_record(account))),
    )
