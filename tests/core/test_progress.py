"""A report that leads nowhere costs a few requests, is reported, and delays no other."""

from collections.abc import Callable
from copy import replace

import pytest

from email_opens.errors import LinkExpired, PagingBroken, ReportUnavailable
from email_opens.model import Gap, Page
from email_opens.turns.report import TurnReport
from tests.core.setup import DAY, HOUR, Core, at, row
from tests.world import World

ROWS = 60
PLENTY = 1_000_000
"""So many requests a day that all that is worth a request is polled within a turn."""
READABLE = 30
"""Rows above which the links of a broken report work."""
MINUTES = int(6 * HOUR.total_seconds() // 60)


class BrokenWorld(World):
    """A world whose report of activity `a` is broken until it is mended."""

    def __init__(self) -> None:
        super().__init__(0, 3)
        self.unstable_ties = False
        self.broken = True
        self.cursors = 0
        self.alter: Callable[[Page], Page] = lambda page: page

    def page(self, activity_id: str, link: str | None, rows: int) -> Page:
        if activity_id != "a" or not self.broken:
            return super().page(activity_id, _place(link), rows)
        return replace(self.alter(super().page(activity_id, _place(link), rows)), link=link)

    # --- What the report does ---

    def refuses(self, error: Exception) -> Callable[[Page], Page]:
        """Refuse links that lead below the readable rows."""

        def alter(page: Page) -> Page:
            if page.link and int(page.link.split("/")[1]) >= READABLE:
                raise error
            return page

        return alter

    def names_another_activity(self, page: Page) -> Page:
        if page.next_link and int(page.next_link.split("/")[1]) >= READABLE:
            return replace(page, next_link=None, astray="A next link names another activity.")
        return page

    def goes_round(self, page: Page) -> Page:
        """Lead from each page to one with the same rows, by a link that is always new."""
        self.cursors += 1
        opens = tuple(self.rows["a"][:3])
        return replace(page, opens=opens, next_link=f"3/0/{self.cursors}")

    def is_empty(self, page: Page) -> Page:
        self.cursors += 1
        return replace(page, opens=(), next_link=f"3/0/{self.cursors}")

    def is_empty_below_its_head(self, page: Page) -> Page:
        return page if page.link is None else self.is_empty(page)


def _place(link: str | None) -> str | None:
    """Return a link without what only makes it new."""
    return link and "/".join(link.split("/")[:2])


MANNERS: dict[str, Callable[[BrokenWorld], Callable[[Page], Page]]] = {
    "expired links": lambda world: world.refuses(LinkExpired("A next link no longer works.")),
    "refused links": lambda world: world.refuses(ReportUnavailable("The vendor answered 500.")),
    "astray links": lambda world: world.names_another_activity,
    "the same rows": lambda world: world.goes_round,
    "empty pages": lambda world: world.is_empty_below_its_head,
    "nothing but empty pages": lambda world: world.is_empty,
}


def world_with(manner: str) -> BrokenWorld:
    world = BrokenWorld()
    world.alter = MANNERS[manner](world)
    return world


def core_over(world: World) -> Core:
    core = Core(world=world)
    core.track(campaign_activity_id="a")
    core.track(campaign_activity_id="b")
    core.arrive(*(row(-number) for number in range(ROWS)), to="a")
    core.arrive(row(0), to="b")
    return core


def watch(core: Core, minutes: int) -> list[TurnReport]:
    """Take a turn a minute; another row of `b` arrives every ten minutes."""
    turns = []
    for minute in range(minutes):
        if minute % 10 == 0:
            core.arrive(row((core.clock.now() - at(0)).total_seconds() // 60), to="b")
        turns.append(core.take_turn())
        core.clock.sleep(60)
    return turns


@pytest.fixture(params=MANNERS)
def manner(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def polls_of(core: Core, activity_id: str) -> int:
    return core.polled.count(activity_id)


def test_costs_few_requests_more_than_a_report_that_works(manner: str) -> None:
    healthy = core_over(World(0, 3))
    watch(healthy, MINUTES)
    broken = core_over(world_with(manner))
    watch(broken, MINUTES)
    assert polls_of(broken, "a") <= polls_of(healthy, "a") + 8 * READABLE


def test_is_reported_as_a_failure_and_stays_so(manner: str) -> None:
    core = core_over(world_with(manner))
    turns = watch(core, MINUTES)
    failures = [failure for turn in turns for failure in turn.failures]
    assert {failure.campaign_activity_id for failure in failures} == {"a"}
    assert all(isinstance(failure.error, (PagingBroken, ReportUnavailable)) for failure in failures)
    assert core.activity("a").last_error


@pytest.mark.slow
def test_delays_no_other_activity(manner: str) -> None:
    healthy = core_over(World(0, 3))
    broken = core_over(world_with(manner))
    for core in (healthy, broken):
        core.requests_per_day = PLENTY
        watch(core, MINUTES)
    assert len(broken.published_minutes("b")) == len(healthy.published_minutes("b"))
    assert polls_of(broken, "b") >= polls_of(healthy, "b")


@pytest.mark.slow
def test_is_read_to_its_end_within_a_day_after_the_links_work_again(manner: str) -> None:
    world = world_with(manner)
    core = core_over(world)
    watch(core, MINUTES)
    world.broken = False
    watch(core, int(DAY.total_seconds() // 60) + 5)
    assert sorted(core.published_minutes("a")) == sorted(-number for number in range(ROWS))
    assert (core.activity("a").progress.gaps, core.activity("a").last_error) == ((), None)


def test_a_burst_does_not_wait_with_what_is_broken_below_it() -> None:
    core = core_over(World(0, 3))
    core.take_turn()
    broken = Gap(None, at(-40), None, reached=at(-40), failures=9, retry_at=at(20 * 60))
    activity = core.activity("a")
    progress = replace(activity.progress, gaps=(broken,), audit_at=core.clock.now())
    core.tracking.save(replace(activity, progress=progress))
    core.publisher.published.clear()
    core.arrive(*(row(number) for number in range(1, 31)), to="a")
    core.clock.sleep(60)
    core.take_turn()
    assert sorted(core.published_minutes("a")) == [*range(1, 31)]


class ForgetfulWorld(World):
    """A world whose links lead to an empty last page from the next turn on."""

    def __init__(self) -> None:
        super().__init__(0, 3)
        self.unstable_ties = False
        self.turn = 0

    def page(self, activity_id: str, link: str | None, rows: int) -> Page:
        turn, _, place = (link or f"{self.turn} ").partition(" ")
        if int(turn) != self.turn:
            return Page(link, ())
        page = super().page(activity_id, place or None, rows)
        return replace(
            page, link=link, next_link=page.next_link and f"{self.turn} {page.next_link}"
        )


@pytest.mark.slow
def test_links_that_are_forgotten_between_turns_cost_few_requests_and_are_reported() -> None:
    healthy = core_over(World(0, 3))
    watch(healthy, MINUTES)
    world = ForgetfulWorld()
    core = core_over(world)
    core.requests_in_time = 12
    failures = 0
    for _ in range(MINUTES):
        failures += len(core.take_turn().failures)
        world.turn += 1
        core.clock.sleep(60)
    assert polls_of(core, "a") <= polls_of(healthy, "a") + 8 * READABLE
    assert failures
    core.requests_in_time = 1000
    for _ in range(int(DAY.total_seconds() // 60)):
        core.take_turn()
        world.turn += 1
        core.clock.sleep(60)
    assert len(core.published_minutes("a")) == ROWS
