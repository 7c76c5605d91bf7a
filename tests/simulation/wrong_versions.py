"""Wrong versions of the product, to check that the simulation catches them.

Each function patches the product so that it is wrong in one point.
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from copy import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens import walk
from email_opens.account import Account, Chain, Tokens, WakeUp
from email_opens.adapters.vendor import report
from email_opens.adapters.vendor.access import tokens
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.replies import rows
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Lease
from email_opens.discovery import selection
from email_opens.discovery.campaigns import SearchMemory, SeenCampaign
from email_opens.discovery.ports import Campaigns
from email_opens.discovery.search import Search
from email_opens.errors import AccountDisconnected, ActivityForbidden, LostRace
from email_opens.events import bucket, event_id, fingerprint
from email_opens.model import Activity, Gap, NewOpen, Page
from email_opens.polling import gaps, poller, stretches
from email_opens.polling.gaps import Stretch
from email_opens.polling.poller import Poller
from email_opens.ports import Credentials, Delivery
from email_opens.scheduling import lifecycle, wake_ups
from email_opens.scheduling.searches import is_due as searches_is_due
from email_opens.turns import searching, turns
from email_opens.turns.searching import Searching
from tests import fakes
from tests.contract.samples import varied
from tests.fakes import MemoryDecisions, MemoryLedger, MemoryTracking
from tests.simulation import simulation
from tests.simulation.actions import (
    CONTACTS,
    Action,
    AddBurst,
    CheckAtRest,
    CompleteTurn,
    Continue,
    FinishAll,
    Wait,
)
from tests.simulation.invocation import Fate
from tests.simulation.manners import (
    AskToWait,
    FailContact,
    KeepPolling,
    Mend,
    Outage,
    Pause,
    RefuseStores,
)
from tests.simulation.report_manners import (
    AddRawRow,
    LeadAstray,
    MakeCounterOdd,
    RefuseActivity,
    RefuseLinks,
)
from tests.simulation.sends import SEARCHED, FailSearches, LimitRequests, Send
from tests.simulation.wake_ups import CompleteChain, DeliverStrayWakeUp, DeliverWakeUp

type Published = Mapping[str, AbstractSet[bytes]]
type WrongVersion = Callable[[pytest.MonkeyPatch], None]


def stops_above_the_watermark(patch: pytest.MonkeyPatch) -> None:
    """Only rows newer than the floor count as new: later ties of the watermark are lost."""

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        found = walk.new_opens(page, floor, published)
        return [new for new in found if floor is None or new.open.created_time > floor]

    patch.setattr(poller, "new_opens", new_opens)


def repeats_the_watermark(patch: pytest.MonkeyPatch) -> None:
    """All rows at the floor count as new, even if the ledger contains them."""

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        above = dict(published)
        if floor is not None:
            above.pop(bucket(floor), None)
        return walk.new_opens(page, floor, above)

    patch.setattr(poller, "new_opens", new_opens)


def stops_at_the_first_known_row(patch: pytest.MonkeyPatch) -> None:
    """A walk ends at the first known row: new rows behind it are lost."""
    met = [False]

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        met[0] = False
        above = []
        for row in page.opens:
            if fingerprint(event_id(row, 1)) in published.get(bucket(row.created_time), ()):
                met[0] = True
                break
            above.append(row)
        return walk.new_opens(replace(page, opens=tuple(above)), floor, published)

    patch.setattr(poller, "new_opens", new_opens)
    patch.setattr(poller, "ended", lambda page, floor: met[0] or walk.ended(page, floor))


def forgets_what_a_cut_walk_leaves(patch: pytest.MonkeyPatch) -> None:
    """The watermark moves up without a gap for the rows below: those are lost."""

    def advance(
        activity: Activity,
        stretch: Stretch,
        floor: datetime | None,
        gap: Gap | None,
        now: datetime,
    ) -> tuple[Activity, Gap | None]:
        moved, _ = gaps.advance(activity, stretch, floor, gap, now)
        return varied(moved, gaps=()), None

    patch.setattr(stretches, "advance", advance)


def advances_before_it_publishes(patch: pytest.MonkeyPatch) -> None:
    """A kill between the two loses the pages in hand."""
    deliver, save = Poller._deliver, Poller.save
    pending: dict[int, Any] = {}

    def postpone(self: Poller, *arguments: Any) -> None:
        pending[id(self)] = arguments

    def save_first(self: Poller, *arguments: Any) -> None:
        save(self, *arguments)
        deliver(self, *pending.pop(id(self)))

    patch.setattr(Poller, "_deliver", postpone)
    patch.setattr(Poller, "save", save_first)


def records_after_it_advances(patch: pytest.MonkeyPatch) -> None:
    """A kill between the two leaves published opens that the ledger does not contain."""
    deliver, save = Poller._deliver, Poller.save
    pending: dict[int, list[Any]] = {}

    def publish_only(self: Poller, *arguments: Any) -> None:
        postponed = pending[id(self)] = []

        class PostponingLedger(MemoryLedger):
            def append(self, *entries: Any) -> None:
                postponed.append(entries)

        deliver(replace(self, ledger=PostponingLedger()), *arguments)

    def save_first(self: Poller, *arguments: Any) -> None:
        save(self, *arguments)
        for entries in pending.pop(id(self)):
            self.ledger.append(*entries)

    patch.setattr(Poller, "_deliver", publish_only)
    patch.setattr(Poller, "save", save_first)


def counts_no_twins(patch: pytest.MonkeyPatch) -> None:
    """A set instead of a multiset: the second of two identical rows is lost."""

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        found = walk.new_opens(page, floor, published)
        return [new for new in found if new.occurrence == 1]

    patch.setattr(poller, "new_opens", new_opens)


def counts_twins_across_pages(patch: pytest.MonkeyPatch) -> None:
    """A row that a shifted page repeats counts as another open."""
    seen: dict[str | None, list[Any]] = {}

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        if page.link is None:
            seen.clear()
        above = seen.setdefault("rows", [])
        together = replace(page, opens=(*above, *page.opens))
        found = walk.new_opens(together, floor, published)
        above += page.opens
        return found

    patch.setattr(poller, "new_opens", new_opens)


def writes_without_a_version(patch: pytest.MonkeyPatch) -> None:
    """Writes are not conditional on the version: a turn overwrites what a person has written."""

    def save(self: MemoryTracking, activity: Activity) -> Activity:
        key = activity.account_id, activity.campaign_activity_id
        if key not in self.items:
            raise LostRace
        self.items[key] = replace(activity, version=activity.version + 1)
        return self.items[key]

    patch.setattr(MemoryTracking, "save", save)


def a_refusal_stops_the_account(patch: pytest.MonkeyPatch) -> None:
    """A 401 or 403 of one activity counts as one of the account."""
    get = VendorApi.get

    def stop(self: VendorApi, *arguments: Any) -> Any:
        try:
            return get(self, *arguments)
        except ActivityForbidden as error:
            raise AccountDisconnected(str(error)) from None

    patch.setattr(VendorApi, "get", stop)


def one_odd_row_costs_the_page(patch: pytest.MonkeyPatch) -> None:
    """A page with a row that is not an open is not used."""

    def decode(body: bytes, campaign_activity_id: str) -> rows.Rows:
        decoded = rows.decode(body, campaign_activity_id)
        if decoded.rejected:
            raise ValueError("a row is odd")
        return decoded

    patch.setattr(report, "decode", decode)


def an_astray_link_is_the_end(patch: pytest.MonkeyPatch) -> None:
    """A next link that cannot be followed counts as none: the rows below are passed unread."""
    read = ConstantContactReport.read

    def read_without(self: ConstantContactReport, *names: Any, **options: Any) -> Page:
        return replace(read(self, *names, **options), astray=None)

    patch.setattr(ConstantContactReport, "read", read_without)


def a_broken_walk_is_tried_every_minute(patch: pytest.MonkeyPatch) -> None:
    """A gap whose attempts fail is due at once."""
    patch.setattr(gaps, "_retry_at", lambda *_: None)


def a_404_silences_an_activity(patch: pytest.MonkeyPatch) -> None:
    """An activity that the vendor does not know is gone at once, and asked for once a day."""
    patch.setattr(lifecycle, "GONE_AFTER", timedelta())


def a_failure_hides_what_was_acknowledged(patch: pytest.MonkeyPatch) -> None:
    """If one open fails, those that the topic has accepted are not recorded."""
    deliver = Poller._deliver

    def forget(self: Poller, *arguments: Any) -> Any:
        publish = self.publisher.publish

        class ForgetfulPublisher:
            set_aside = self.publisher.set_aside

            def publish(self, *opens: Any) -> Delivery[NewOpen]:
                delivery = publish(*opens)
                return replace(delivery, settled=()) if delivery.failure else delivery

        return deliver(replace(self, publisher=ForgetfulPublisher()), *arguments)

    patch.setattr(Poller, "_deliver", forget)


def the_next_turn_forgets_a_requested_wait(patch: pytest.MonkeyPatch) -> None:
    """What a reply asks for is not stored with the account."""
    release = MemoryTracking.release

    def forget(self: MemoryTracking, account_id: str, **options: Any) -> None:
        release(self, account_id, **options | {"rests_until": None})

    patch.setattr(MemoryTracking, "release", forget)


def an_outage_is_not_noticed(patch: pytest.MonkeyPatch) -> None:
    """Every activity is tried at each turn, though the vendor answers nothing."""
    patch.setattr(Budget, "_note", lambda *_: None)


def a_pair_that_is_not_stored_is_given_up(patch: pytest.MonkeyPatch) -> None:
    """A refused store is not tried again, and the new refresh token is lost."""

    def store_once(
        credentials: Credentials, account_id: str, tokens: Tokens, *_: object, **__: object
    ) -> None:
        credentials.store(account_id, tokens)

    patch.setattr(tokens, "store_until", store_once)


def decides_first_opens_anew(patch: pytest.MonkeyPatch) -> None:
    """What is decided is not stored: each stretch has first opens of its own."""

    def decide(
        _: MemoryDecisions, partition: str, wanted: Mapping[bytes, bytes]
    ) -> dict[bytes, bytes]:
        del partition
        return dict(wanted)

    patch.setattr(MemoryDecisions, "decide", decide)


def a_wake_up_starts_turns_until_it_is_replaced(patch: pytest.MonkeyPatch) -> None:
    """A lease does not remove the token of the wake-up."""
    lease = MemoryTracking.lease

    def keep(tracking: MemoryTracking, account_id: str, **options: Any) -> Account | None:
        before = lease(tracking, account_id, **options)
        if before is not None:
            leased = tracking.accounts[account_id]
            tracking.accounts[account_id] = replace(leased, wake_up=before.wake_up)
        return before

    patch.setattr(MemoryTracking, "lease", keep)


def a_wake_up_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    """Any message starts a turn, also one of an account that is gone."""
    patch.setattr(fakes, "check_wake_up", lambda *_: None)


def wake_ups_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    """Each turn of a chain may be followed by as many as the first."""

    def wake_up_after(chain: Chain, **options: Any) -> WakeUp | None:
        options["next_in_seconds"] = min(1.0, options["next_in_seconds"] or 1.0)
        return wake_ups.wake_up_after(Chain(chain.began_at), **options)

    patch.setattr(turns, "wake_up_after", wake_up_after)


def a_failed_search_stops_the_turn(patch: pytest.MonkeyPatch) -> None:
    """The error of a search is not caught: nothing after it is worked on."""
    stretch = Searching._stretch

    def fail(self: Searching, *arguments: Any) -> None:
        if (error := stretch(self, *arguments)) is not None:
            raise error

    patch.setattr(Searching, "_stretch", fail)


def a_failed_search_is_repeated_at_once(patch: pytest.MonkeyPatch) -> None:
    """The failures of searches are not counted."""
    patch.setattr(
        searching,
        "is_due",
        lambda searches, *limits: searches_is_due(replace(searches, failures=0), *limits),
    )


def a_failed_search_is_the_last(patch: pytest.MonkeyPatch) -> None:
    """After a failure, no other search is due."""
    patch.setattr(
        searching,
        "is_due",
        lambda searches, *limits: not searches.failures and searches_is_due(searches, *limits),
    )


def searches_remember_before_they_track(patch: pytest.MonkeyPatch) -> None:
    """A turn that is killed in a search loses the sends that it had listed."""
    listed = Search._list

    def remember(self: Search, campaigns: Campaigns, memory: SearchMemory, *arguments: Any) -> None:
        listed(self, campaigns, memory, *arguments)
        new = {send.campaign_id: SeenCampaign(send.last_sent) for send in self.waiting or ()}
        self.seen.store(self.found.account_id, SearchMemory({**memory.campaigns, **new}))

    patch.setattr(Search, "_list", remember)


def searches_track_what_is_not_sent(patch: pytest.MonkeyPatch) -> None:
    """A permalink counts as a send."""
    patch.setattr(selection, "TRACKED_ROLES", ("primary_email", "resend", "permalink"))


def searches_have_a_budget_of_their_own(patch: pytest.MonkeyPatch) -> None:
    """The requests of searches are not taken from the day's."""
    begin = turns.Turns._searching

    def begin_rich(self: turns.Turns, lease: Lease, *arguments: Any) -> Searching | None:
        return begin(self, replace(lease, budget=Budget(10**6)), *arguments)

    patch.setattr(turns.Turns, "_searching", begin_rich)


def searches_have_a_pace_of_their_own(patch: pytest.MonkeyPatch) -> None:
    """The requests of searches and of polls do not wait for one another."""
    patch.setattr(simulation, "Pace", lambda: None)


WRONG_VERSIONS: dict[str, WrongVersion] = {
    version.__name__: version
    for version in (
        stops_above_the_watermark,
        repeats_the_watermark,
        stops_at_the_first_known_row,
        forgets_what_a_cut_walk_leaves,
        advances_before_it_publishes,
        records_after_it_advances,
        counts_no_twins,
        counts_twins_across_pages,
        decides_first_opens_anew,
    )
}


_SEND = AddBurst(0, 20, timedelta(minutes=1))
"""More rows than one page."""
UNDER_MANNERS: dict[WrongVersion, tuple[Action, ...]] = {
    a_refusal_stops_the_account: (RefuseActivity(0, "forbidden"), KeepPolling(35)),
    one_odd_row_costs_the_page: (_SEND, AddRawRow(0, b"nul"), KeepPolling(35)),
    an_astray_link_is_the_end: (LeadAstray(0, Kind.OTHER_LINK, 1), _SEND, KeepPolling(35)),
    a_broken_walk_is_tried_every_minute: (
        RefuseLinks(0, "unprocessable", 12),
        _SEND,
        KeepPolling(80),
    ),
    a_404_silences_an_activity: (
        MakeCounterOdd(0, "in errors"),  # else it would wake the activity
        RefuseActivity(0, "not found"),
        KeepPolling(20),
        Mend(),
        KeepPolling(80),
    ),
    a_failure_hides_what_was_acknowledged: (FailContact(CONTACTS), _SEND, KeepPolling(20)),
    the_next_turn_forgets_a_requested_wait: (AskToWait(429, 600), CompleteTurn(), CompleteTurn()),
    an_outage_is_not_noticed: (Outage(90, "unavailable"),),
    writes_without_a_version: (_SEND, Continue(0, 3), Pause(0), FinishAll()),
    a_pair_that_is_not_stored_is_given_up: (RefuseStores(1),),
    a_wake_up_starts_turns_until_it_is_replaced: (
        CompleteTurn(),
        DeliverWakeUp(0, late=timedelta(seconds=50), again=True),  # so that none is asked for
        DeliverWakeUp(0),
    ),
    a_wake_up_is_not_compared: (DeliverStrayWakeUp("gone"),),
    wake_ups_are_not_counted: (CompleteChain(),),
    a_failed_search_stops_the_turn: (FailSearches(SEARCHED[0], "server error"), CompleteTurn()),
    a_failed_search_is_repeated_at_once: (
        FailSearches(SEARCHED[0], "server error"),
        KeepPolling(80),
    ),
    a_failed_search_is_the_last: (
        FailSearches(SEARCHED[0], "server error"),
        KeepPolling(20),
        Mend(),
        Send(),
        KeepPolling(80),
    ),
    searches_remember_before_they_track: (
        CompleteTurn(),
        Send(),
        Wait(timedelta(hours=1)),
        Continue(0, 15, Fate.KILLED_AFTER),
        CheckAtRest(),
    ),
    searches_track_what_is_not_sent: (Send(), CompleteTurn()),
    searches_have_a_budget_of_their_own: (LimitRequests(6), CompleteTurn()),
    searches_have_a_pace_of_their_own: (CompleteTurn(),),
}
"""Wrong versions, each with what makes it break a rule."""


@contextmanager
def applied(version: WrongVersion) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        version(patch)
        yield
