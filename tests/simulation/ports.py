"""The ports of an invocation over the simulation's stores, where each call has a fate."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from email_opens.account import Account, Tokens
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.errors import AccountStopped, ActivityFailed, NotAsked, PublishFailed
from email_opens.model import Activity, CounterReadings, NewOpen, Page, RejectedRow
from email_opens.ports import Delivery
from tests.simulation.invocation import Invocation, Message

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation


class TableThrottled(Exception):
    """The error of a throttled table's client, of a type that the core does not define."""


class WatchedReport:
    """The real report; it passes each page that it returns to the rules."""

    def __init__(self, real: ConstantContactReport, on_page: Callable[[Page], None]) -> None:
        self._real = real
        self._on_page = on_page

    def read(self, campaign_activity_id: str, **options: Any) -> Page:
        page = self._real.read(campaign_activity_id, **options)
        self._on_page(page)
        return page

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        return self._real.count(campaign_ids, before=before)

    @property
    def requests(self) -> int:
        return self._real.requests

    @property
    def throttled(self) -> int:
        return self._real.throttled


class Ports:
    """All ports except the report, over the simulation's stores; each call has a fate."""

    def __init__(self, simulation: "Simulation", invocation: Invocation) -> None:
        self._simulation = simulation
        self._invocation = invocation

    def _table(self, action: Callable[[], Any]) -> Any:
        return self._invocation.call(action, TableThrottled)

    def _parameter(self, action: Callable[[], Any]) -> Any:
        return self._invocation.call(action, lambda: AccountStopped("Parameter Store is down."))

    # --- Tracking ---

    def lease(self, account_id: str, **options: Any) -> Account | None:
        def lease() -> Account | None:
            account = self._simulation.tracking.lease(account_id, **options)
            if account is not None:
                self._simulation.rules.an_account_was_leased(options["woken_by"])
            return account

        leased: Account | None = self._table(lease)
        return leased

    def release(self, account_id: str, **options: Any) -> None:
        def release() -> None:
            held = self._simulation.tracking.accounts[account_id]
            self._simulation.tracking.release(account_id, **options)
            if held.lease_holder == options["holder"]:
                self._simulation.rules.an_account_was_released(options["wake_up"])

        self._table(release)

    def name_vendor_account(self, account_id: str, *, holder: str, vendor_account_id: str) -> bool:
        named: bool = self._table(
            lambda: self._simulation.tracking.name_vendor_account(
                account_id, holder=holder, vendor_account_id=vendor_account_id
            )
        )
        return named

    def reserve(self, account_id: str, **options: Any) -> bool:
        reserved: bool = self._table(
            lambda: self._simulation.tracking.reserve(account_id, **options)
        )
        return reserved

    def account(self, account_id: str) -> Account | None:
        return self._simulation.tracking.account(account_id)

    def activities(self, account_id: str) -> list[Activity]:
        found: list[Activity] = self._table(
            lambda: self._simulation.tracking.activities(account_id)
        )
        return found

    def current(self, account_id: str) -> list[Activity]:
        found: list[Activity] = self._table(lambda: self._simulation.tracking.current(account_id))
        return found

    def archived(self, account_id: str, *, after: str | None, most: int) -> list[Activity]:
        found: list[Activity] = self._table(
            lambda: self._simulation.tracking.archived(account_id, after=after, most=most)
        )
        return found

    def archive(self, activity: Activity) -> Activity:
        written: Activity = self._table(lambda: self._simulation.tracking.archive(activity))
        return written

    def add(self, activity: Activity) -> bool:
        def add() -> bool:
            self._simulation.rules.an_activity_was_added(activity)
            return self._simulation.tracking.add(activity)

        added: bool = self._table(add)
        return added

    def save(self, activity: Activity) -> Activity:
        def save() -> Activity:
            key = activity.account_id, activity.campaign_activity_id
            before = self._simulation.tracking.items[key]
            saved = self._simulation.tracking.save(activity)
            self._simulation.rules.an_activity_was_saved(self._invocation, before, saved)
            return saved

        written: Activity = self._table(save)
        return written

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        return self._simulation.tracking.remove(account_id, campaign_activity_id)

    # --- Wake-ups ---

    def ask(self, account_id: str, *, token: str, seconds: int) -> None:
        due_at = self._simulation.clock() + timedelta(seconds=seconds)
        self._invocation.call(
            lambda: self._simulation.messages.append(Message(account_id, token, due_at)),
            lambda: NotAsked("The queue is down."),
        )

    # --- Ledger ---

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = self._table(
            lambda: self._simulation.ledger.fingerprints(
                campaign_activity_id, first_bucket, last_bucket
            )
        )
        return found

    def append(self, campaign_activity_id: str, entries: Mapping[str, Collection[bytes]]) -> None:
        def append(accepted: Mapping[str, Collection[bytes]] = entries) -> None:
            self._simulation.rules.the_ledger_was_extended(campaign_activity_id, accepted)
            self._simulation.ledger.append(campaign_activity_id, accepted)

        self._invocation.call(
            append,
            lambda: ActivityFailed("The ledger has no capacity."),
            lambda: append(dict(list(entries.items())[: len(entries) // 2])),
        )

    # --- Decisions ---

    def decide(self, partition: str, wanted: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        def decide(part: Mapping[bytes, bytes] = wanted) -> dict[bytes, bytes]:
            return self._simulation.decisions.decide(partition, part)

        return self._invocation.call(
            decide,
            lambda: ActivityFailed("The table has no capacity."),
            lambda: decide(dict(list(wanted.items())[: len(wanted) // 2])),
        )

    def decided(self, partition: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        return self._simulation.decisions.decided(partition, keys)

    # --- Publisher ---

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        del activity, now

        def deliver(delivered: Sequence[NewOpen] = opens) -> Delivery[NewOpen]:
            simulation, trouble = self._simulation, self._simulation.trouble
            taken = [new for new in delivered if new.open.contact_id not in trouble.failing]
            refused = min(simulation.refused_opens, len(taken))
            if trouble.queue_is_down:
                taken, refused = taken[refused:], 0
            simulation.refused_opens -= refused
            simulation.rules.opens_were_delivered(taken)
            return Delivery(
                settled=tuple(taken),
                dead_lettered=refused,
                failure=PublishFailed("Opens failed.") if len(taken) < len(delivered) else None,
            )

        return self._delivery(
            deliver, lambda: deliver(opens[: len(opens) // 2]), "The topic is down."
        )

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        def bury(buried: Sequence[RejectedRow] = rows) -> Delivery[RejectedRow]:
            if self._simulation.trouble.queue_is_down:
                return Delivery(settled=(), failure=PublishFailed("The queue is closed."))
            activity_id = activity.campaign_activity_id
            self._simulation.rules.rows_were_dead_lettered(activity_id, buried)
            return Delivery(settled=tuple(buried))

        return self._delivery(
            bury, lambda: bury(rows[: len(rows) // 2]), "The dead-letter queue is down."
        )

    def _delivery[T](
        self, all_of_it: Callable[[], Delivery[T]], half: Callable[[], Delivery[T]], fault: str
    ) -> Delivery[T]:
        """Deliver; a failure is returned with what was settled, as a publisher does."""
        settled: list[Delivery[T]] = []
        try:
            return self._invocation.call(
                all_of_it, lambda: PublishFailed(fault), lambda: settled.append(half())
            )
        except PublishFailed as failure:
            done = settled[0] if settled else Delivery[T](settled=())
            return replace(done, failure=failure)

    # --- Credentials ---

    def load(self, account_id: str) -> Tokens:
        loaded: Tokens = self._parameter(lambda: self._simulation.credentials.load(account_id))
        return loaded

    def rewrite(self, account_id: str) -> Tokens:
        rewritten: Tokens = self._parameter(
            lambda: self._simulation.credentials.rewrite(account_id)
        )
        return rewritten

    def store(self, account_id: str, tokens: Tokens) -> None:
        def store() -> None:
            trouble = self._simulation.trouble
            if trouble.refused_stores:
                trouble.refused_stores -= 1
                raise AccountStopped("Parameter Store is down.")
            self._simulation.credentials.store(account_id, tokens)

        self._parameter(store)
