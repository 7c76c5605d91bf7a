"""The e-mails that a watch follows: those that were sent recently, or those that a person names."""

from collections.abc import Iterable, Sequence
from copy import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field

from email_opens.account import Account
from email_opens.errors import BudgetSpent, EmailOpensError, InvalidInput, OutOfTime
from email_opens.model import UNREADABLE, Activity, State, activity_id
from email_opens.scheduling.searches import interval
from email_opens_cli.arguments.selection import Send, select, select_each
from email_opens_cli.commands.watch.lookup import HOLDER, Lookup
from email_opens_cli.emails.activities import save_change, track_each

if TYPE_CHECKING:
    from email_opens.bootstrap.watch import Watch
    from email_opens.discovery.report import Found

SEARCH_EVERY = timedelta(minutes=5)
"""The longest interval between two searches: one that finds nothing takes one request."""
SEARCH = timedelta(minutes=2)
"""How long a search takes at most."""
FIRST_SEARCH = timedelta(seconds=1.6)
"""How long the first search takes at most, before what it has found is read."""


class Wanted(Struct, frozen=True):
    """What the command line asks for."""

    account_id: str
    queries: Sequence[str] = ()
    """Names, patterns of names, ids, or beginnings of these; none: all that was sent recently."""
    since: datetime | None = None
    every: timedelta | None = None
    """The time between two turns; None: the plan decides when to poll."""
    once: bool = False
    command: str = "email-opens watch"
    """What starts the watch again, without the names."""

    @property
    def remedy(self) -> str:
        """Where to look for what a query may stand for."""
        return f"Run `{self.command}` without a name to see what was sent recently."


class Emails(Struct):
    """The e-mails that are followed; the others of the state file are paused."""

    product: "Watch"
    wanted: Wanted
    found: "Found | None" = None
    """The last search."""
    search_at: datetime | None = None
    """When the next search is due; None: no search is needed."""
    _chosen: set[str] = field(default_factory=set)
    """The activities that the queries stand for."""
    _unread: list[str] = field(default_factory=list)
    """Ids whose campaigns could not be read."""

    @property
    def unfinished(self) -> bool:
        """Whether the last search left campaigns for the next one."""
        return self.found is not None and self._left_over(self.found)

    def begin(self) -> list[Activity]:
        """Find what is wanted, and return it.

        Raises:
            NotSelected: a query stands for no e-mail, or for several campaigns.
            EmailOpensError: what a query stands for cannot be read.
        """
        queries = self.wanted.queries
        ids = [query.strip().lower() for query in queries if is_id(query)]
        if self.grows:
            self._search(SEARCH if queries else FIRST_SEARCH)
        self._look_up(ids)
        if queries:
            self._choose(queries)
        self._pause_others()
        return self.followed()

    def search(self) -> list[Activity]:
        """Search for new sends, and return those that are followed from now on."""
        before = {activity.campaign_activity_id for activity in self.followed()}
        if self.grows:
            self._search(SEARCH)
        self._look_up(self._unread)
        self._join()
        self._pause_others()
        return [a for a in self.followed() if a.campaign_activity_id not in before]

    def followed(self) -> list[Activity]:
        """Return what is followed, the latest send first."""
        followed = [
            activity
            for activity in self._tracked()
            if not self.wanted.queries or activity.campaign_activity_id in self._chosen
        ]
        return sorted(followed, key=lambda a: a.sent_at or a.tracked_at, reverse=True)

    @property
    def grows(self) -> bool:
        """Whether a later send may be followed too."""
        return not (self.wanted.queries and all(map(is_id, self.wanted.queries)))

    def _tracked(self) -> list[Activity]:
        return self.product.tracking.activities(self.wanted.account_id)

    def _search(self, lasts: timedelta) -> None:
        clock = self.product.clock
        self.found = found = self.product.discovery.search(
            self.wanted.account_id, holder=HOLDER, before=clock.now() + lasts
        )
        every = timedelta() if self._left_over(found) else min(SEARCH_EVERY, self._interval())
        self.search_at = clock.now() + every
        if self.wanted.since is not None:
            for activity in found.tracked:
                self.product.tracking.save(replace(activity, tracked_from=self.wanted.since))

    def _interval(self) -> timedelta:
        """Return the interval between searches that the turns of a stack would keep."""
        now, account_id = self.product.clock.now(), self.wanted.account_id
        account = self.product.tracking.account(account_id) or Account(account_id=account_id)
        most = account.requests_to_spend(self.product.leases.requests_per_day, now)
        return interval(
            [activity.sent_at for activity in self._tracked() if activity.sent_at],
            now,
            requests_per_day=most,
            requests_left=max(0, most - account.requests_on(now)),
        )

    def _left_over(self, found: "Found") -> bool:
        out_of_time = isinstance(found.stopped, OutOfTime)
        return out_of_time and not isinstance(found.stopped, BudgetSpent)

    def _look_up(self, ids: Iterable[str]) -> None:
        """Track what is named by a whole id, with its campaign's name if the vendor knows it.

        An id that the vendor does not know is tracked all the same: it may know it later.
        """
        unread: list[str] = []
        known = {name for a in self._tracked() if a.campaign_name for name in _send(a).ids}
        for wanted_id in ids:
            if wanted_id in known:
                continue
            try:
                self._lookup().track(wanted_id)
            except EmailOpensError:  # The turn reports what is wrong with the account.
                unread.append(wanted_id)
            tracked = {name for activity in self._tracked() for name in _send(activity).ids}
            if wanted_id not in tracked:
                now, since = self.product.clock.now(), self.wanted.since
                account_id = self.wanted.account_id
                track_each(self.product.tracking, account_id, [wanted_id], since=since, now=now)
        self._unread = unread
        if unread and self.search_at is None:
            self.search_at = self.product.clock.now() + SEARCH_EVERY

    # --- Choosing ---

    def _choose(self, queries: Sequence[str]) -> None:
        sends = [_send(activity) for activity in self._tracked()]
        remedy = self.wanted.remedy
        unmatched = [query for query in queries if not select(query, sends).matches]
        chosen = select_each([q for q in queries if q not in unmatched], sends, remedy=remedy)
        self._chosen = {send.activity_id for send in chosen}
        if not unmatched:
            return
        if self.found is not None and self.found.stopped is not None:
            raise self.found.stopped
        older = [*sends, *self._lookup().campaigns()]
        for send in select_each(unmatched, older, remedy=remedy):
            tracked = self._lookup().track(send.activity_id)
            if not tracked:
                raise InvalidInput(f"“{send.name}” has no e-mail to follow: it was removed.")
            self._chosen |= {activity.campaign_activity_id for activity in tracked}

    def _lookup(self) -> Lookup:
        return Lookup(self.product, self.wanted.account_id, self.wanted.since)

    def _join(self) -> None:
        """Choose the new sends of chosen campaigns, and those whose names match a pattern."""
        if not self.wanted.queries or self.found is None:
            return
        campaigns = {a.campaign_id for a in self.followed() if a.campaign_id}
        for activity in self.found.tracked:
            selections = [select(query, [_send(activity)]) for query in self.wanted.queries]
            matches = any(found.by_pattern for found in selections)
            if matches or activity.campaign_id in campaigns:
                self._chosen.add(activity.campaign_activity_id)

    def _pause_others(self) -> None:
        """Poll what is followed and nothing else; the progress of the others is kept."""
        followed = {activity.campaign_activity_id for activity in self.followed()}

        def change(activity: Activity) -> tuple[Activity, str]:
            match activity.state:
                case State.FINISHED:
                    return activity, ""
                case _ if activity.campaign_activity_id not in followed:
                    return replace(activity, state=State.PAUSED), ""
                case State.PAUSED:
                    return replace(activity, state=State.ACTIVE), ""
                case _:
                    return activity, ""

        for activity in self._tracked():
            if activity.state not in UNREADABLE:  # Each turn reports those.
                save_change(self.product.tracking, activity, change)


def is_id(query: str) -> bool:
    """Return whether a query is a whole id."""
    try:
        activity_id(query)
    except InvalidInput:
        return False
    return True


def _send(activity: Activity) -> Send:
    return Send(
        activity.campaign_activity_id,
        activity.campaign_id,
        activity.campaign_name,
        activity.sent_at,
    )
