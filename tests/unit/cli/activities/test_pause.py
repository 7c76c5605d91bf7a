"""`email-opens pause` and `email-opens resume`."""

from copy import replace

import pytest

from email_opens.errors import EmailOpensError, LostRace
from email_opens.model import Activity, State
from email_opens_cli.commands.activities.pause import paused
from email_opens_cli.emails.activities import save_change
from tests.contract.samples import ACTIVITY, varied
from tests.fakes import MemoryTracking
from tests.unit.cli.world import ONE, TWO, World, complaint, run


def state(world: World, activity_id: str) -> State:
    return world.activities()[activity_id].state


def set_state(world: World, activity_id: str, state: State) -> None:
    world.tracking.save(replace(world.activities()[activity_id], state=state))


def test_a_paused_activity_is_not_polled(world: World) -> None:
    activity_id = world.opened(2)
    world.track(activity_id)
    assert "is paused" in run("pause", activity_id).stdout
    assert "of 0 e-mails" in run("poll").stdout


def test_the_opens_of_a_resumed_activity_are_published(world: World) -> None:
    activity_id = world.opened(2)
    world.track(activity_id)
    run("pause", activity_id)
    assert "is active again" in run("resume", activity_id).stdout
    assert "Published 2 opens" in run("poll").stdout


def test_pause_reports_an_activity_that_is_paused_already(world: World) -> None:
    world.track(ONE)
    run("pause", ONE)
    before = world.activities()
    assert "paused already" in run("pause", ONE).stdout
    assert world.activities() == before


def test_resume_reports_an_activity_that_is_active_already(world: World) -> None:
    world.track(ONE)
    before = world.activities()
    assert "active already" in run("resume", ONE).stdout
    assert world.activities() == before


@pytest.mark.parametrize("former", [State.PAUSED, State.FINISHED, State.GONE])
def test_resume_makes_an_activity_of_any_state_active(world: World, former: State) -> None:
    world.track(ONE)
    set_state(world, ONE, former)
    assert run("resume", ONE).exit_code == 0
    assert state(world, ONE) is State.ACTIVE


def test_a_resumed_finished_activity_needs_an_audit(world: World) -> None:
    activity_id = world.opened(1)
    world.track(activity_id)
    run("poll")
    set_state(world, activity_id, State.FINISHED)
    run("resume", activity_id)
    assert world.activities()[activity_id].progress.audited_at is None


def test_pause_leaves_a_finished_activity_finished(world: World) -> None:
    world.track(ONE)
    set_state(world, ONE, State.FINISHED)
    run("pause", ONE)
    assert state(world, ONE) is State.FINISHED


def test_pause_changes_nothing_if_an_activity_is_not_tracked(world: World) -> None:
    world.track(ONE)
    error = complaint(run("pause", ONE, TWO), 2)
    assert f"No tracked e-mail has the name or the id “{TWO}”. Did you mean:" in error
    assert state(world, ONE) is State.ACTIVE


@pytest.mark.usefixtures("world")
def test_an_unknown_name_is_refused() -> None:
    assert "Nothing is tracked for account default." in complaint(run("resume", "nonsense"), 2)


class RacingTracking(MemoryTracking):
    """Tracking in which a poll writes between each of the first reads and its write."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self.races = races

    def save(self, activity: Activity) -> Activity:
        if self.races:
            self.races -= 1
            super().save(varied(activity, state=State.ACTIVE, published=7))
        return super().save(activity)


def test_a_pause_keeps_the_counts_that_a_poll_writes_meanwhile() -> None:
    tracking = RacingTracking(1)
    tracking.add(ACTIVITY)
    save_change(tracking, ACTIVITY, paused)
    (stored,) = tracking.activities("default")
    assert (stored.state, stored.counts.published) == (State.PAUSED, 7)


def test_resume_lets_a_missing_activity_be_polled_at_once(world: World) -> None:
    world.track(ONE)
    since = world.activities()[ONE].tracked_at
    world.tracking.save(replace(world.activities()[ONE], missing_since=since))
    assert "is active again" in run("resume", ONE).stdout
    assert world.activities()[ONE].missing_since is None


def test_an_activity_that_cannot_be_read_is_reported_and_not_changed() -> None:
    broken = replace(ACTIVITY, state=State.BROKEN, last_error="Its watermark is malformed.")
    with pytest.raises(EmailOpensError, match="Its watermark is malformed"):
        save_change(MemoryTracking(), broken, paused)


def test_a_pause_that_loses_every_race_suggests_a_retry() -> None:
    tracking = RacingTracking(99)
    tracking.add(ACTIVITY)
    with pytest.raises(LostRace, match="try again"):
        save_change(tracking, ACTIVITY, paused)
