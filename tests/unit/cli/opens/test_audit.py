"""The whole report, read now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from constant_contact_emulator import Kind
from email_opens.model import State
from email_opens.turns.lease import NO_WAIT
from email_opens_cli.commands.opens.audit import Audit
from email_opens_cli.deployed.leases import work_in_leases
from tests.conftest import Aws
from tests.core.setup import report_of, row
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.terminal.slow import slow_product
from tests.unit.cli.world import ONE, World, complaint, run


@pytest.fixture
def polled(world: World) -> str:
    """An activity of two opens that were published."""
    activity_id = world.opened(2)
    run("track", activity_id)
    run("poll")
    return activity_id


def late(world: World, activity_id: str) -> None:
    """Let an open come that no tail and no sweep would find."""
    at = world.vendor.world.clock() - timedelta(days=2)
    world.vendor.world.add_open(activity_id, 7, at=at)


class TestCommand:
    def test_publishes_what_was_missing(self, world: World, polled: str) -> None:
        late(world, polled)
        assert "1 opens were missing; they are published now." in run("audit", polled).stdout
        assert len(world.received()) == 3

    def test_compares_with_the_vendors_counter(self, world: World, polled: str) -> None:
        late(world, polled)
        said = run("audit", polled).stdout
        assert "The report has 3 rows" in said
        assert "counter is 3." in said

    def test_tells_a_difference_from_the_counter(self, world: World, polled: str) -> None:
        world.vendor.world.behaviour.counters_stale_for = timedelta(hours=1)
        world.vendor.world.counters(world.vendor.world.activities[polled])
        late(world, polled)
        assert "counter is 2, -1 against its report" in run("audit", polled).stdout

    def test_goes_without_a_counter_that_fails(self, world: World, polled: str) -> None:
        world.vendor.faults.add(Kind.HTML, path="/v3/reports/stats/")
        result = run("audit", polled)
        assert result.exit_code == 0
        assert "counter could not be read" in result.stdout

    def test_finds_nothing_missing_when_nothing_is(self, polled: str) -> None:
        assert "0 opens were missing" in run("audit", polled).stdout

    @pytest.mark.parametrize("was", [State.PAUSED, State.FINISHED])
    def test_leaves_the_state_as_it_was(self, world: World, polled: str, was: State) -> None:
        world.tracking.save(replace(world.activities()[polled], state=was))
        run("audit", polled)
        assert world.activities()[polled].state is was

    def test_counts_its_requests(self, world: World, polled: str) -> None:
        run("audit", polled)
        account = world.tracking.account("default")
        assert account
        assert account.requests_spent == 3

    @pytest.mark.usefixtures("world")
    def test_says_of_a_stranger_that_it_is_not_tracked(self) -> None:
        assert "Not tracked" in complaint(run("audit", ONE), 1)

    @pytest.mark.usefixtures("world")
    def test_says_what_the_vendor_does_not_know(self) -> None:
        run("track", ONE)
        assert "does not know this activity" in complaint(run("audit", ONE), 1)

    def test_fits_a_terminal_of_forty_columns(self, polled: str) -> None:
        assert run_in_terminal("audit", polled, columns=40).exit_code == 0


class TestOverSeveralLeases:
    """Each page takes longer than one lease lasts."""

    PAGES = tuple((row(number),) for number in range(9, 0, -1))

    @pytest.fixture
    def audited(self, aws: Aws) -> Audit:
        wired, _ = slow_product(aws, report_of(*self.PAGES))
        (activity,) = wired.tracking.activities("default")
        return Audit(wired, activity)

    def test_reads_all(self, audited: Audit) -> None:
        work_in_leases(audited.wired.leases, "default", "audit", audited.work, wait=NO_WAIT)
        assert audited.counts.published == len(self.PAGES)

    def test_knows_how_many_rows_there_are(self, audited: Audit) -> None:
        work_in_leases(audited.wired.leases, "default", "audit", audited.work, wait=NO_WAIT)
        assert audited.activity.counts.reported == len(self.PAGES)

    def test_leaves_no_gap(self, audited: Audit) -> None:
        work_in_leases(audited.wired.leases, "default", "audit", audited.work, wait=NO_WAIT)
        (activity,) = audited.wired.tracking.activities("default")
        assert activity.progress.gaps == ()
