"""`email-opens audit`: reads a whole report at once."""

from copy import replace
from datetime import timedelta

import pytest

from constant_contact_emulator import Kind
from email_opens.allowance.lease import NO_WAIT, Lease
from email_opens.model import State
from email_opens_cli.commands.opens.audit import Audit
from email_opens_cli.deployed.turns.leases import work_in_leases
from tests.conftest import Aws
from tests.core.setup import report_of, row
from tests.unit.cli.slow_report import slow_product
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import ONE, World, complaint, run


@pytest.fixture
def polled_id(world: World) -> str:
    """Return the id of an activity whose two opens are published."""
    activity_id = world.opened(2)
    world.track(activity_id)
    run("poll")
    return activity_id


def add_late_open(world: World, activity_id: str) -> None:
    """Add an open that is too old for a tail or a sweep to find."""
    at = world.vendor.world.clock() - timedelta(days=2)
    world.vendor.world.add_open(activity_id, 7, at=at)


class TestCommand:
    def test_publishes_missing_opens(self, world: World, polled_id: str) -> None:
        add_late_open(world, polled_id)
        assert "1 open was missing, and has been published." in run("audit", polled_id).stdout
        assert len(world.received()) == 3

    def test_compares_with_the_vendors_counter(self, world: World, polled_id: str) -> None:
        add_late_open(world, polled_id)
        output = run("audit", polled_id).stdout
        assert "The report has 3 rows" in output
        assert "counter is 3." in output

    def test_reports_a_difference_from_the_counter(self, world: World, polled_id: str) -> None:
        world.vendor.world.behaviour.counters_stale_for = timedelta(hours=1)
        world.vendor.world.counters(world.vendor.world.activities[polled_id])
        add_late_open(world, polled_id)
        assert "counter is 2, -1 against its report" in run("audit", polled_id).stdout

    def test_succeeds_when_the_counter_cannot_be_read(self, world: World, polled_id: str) -> None:
        world.vendor.faults.add(Kind.HTML, path="/v3/reports/stats/")
        result = run("audit", polled_id)
        assert result.exit_code == 0
        assert "counter could not be read" in result.stdout

    def test_reports_that_no_opens_were_missing(self, polled_id: str) -> None:
        assert "No open was missing." in run("audit", polled_id).stdout

    @pytest.mark.parametrize("state", [State.PAUSED, State.FINISHED])
    def test_keeps_the_state_of_the_activity(
        self, world: World, polled_id: str, state: State
    ) -> None:
        world.tracking.save(replace(world.activities()[polled_id], state=state))
        run("audit", polled_id)
        assert world.activities()[polled_id].state is state

    def test_counts_its_requests(self, world: World, polled_id: str) -> None:
        before = world.tracking.account("default")
        run("audit", polled_id)
        account = world.tracking.account("default")
        assert account
        assert before
        assert account.requests_spent - before.requests_spent == 2

    @pytest.mark.usefixtures("world")
    def test_reports_an_activity_that_is_not_tracked(self) -> None:
        assert "No tracked e-mail" in complaint(run("audit", ONE), 2)

    def test_reports_an_activity_that_the_vendor_does_not_have(self, world: World) -> None:
        world.track(ONE)
        assert "does not know this activity" in complaint(run("audit", ONE), 1)

    def test_fits_a_terminal_of_forty_columns(self, polled_id: str) -> None:
        assert run_in_terminal("audit", polled_id, columns=40).exit_code == 0


class TestOverSeveralLeases:
    """Each page takes longer than a command works under one lease."""

    PAGES = tuple((row(number),) for number in range(9, 0, -1))

    @pytest.fixture
    def audit(self, aws: Aws) -> Audit:
        product, _ = slow_product(aws, report_of(*self.PAGES))
        (activity,) = product.tracking.activities("default")
        return Audit(product, activity)

    def test_reads_every_page(self, audit: Audit) -> None:
        work_in_leases(audit.wired.leases, "default", "audit", audit.work, wait=NO_WAIT)
        assert audit.counts.published == len(self.PAGES)

    @pytest.mark.parametrize(
        ("before", "word"),
        [
            (State.PAUSED, State.ACTIVE),
            (State.FINISHED, State.ACTIVE),
            (State.ACTIVE, State.PAUSED),
        ],
    )
    def test_leaves_what_a_person_changes_meanwhile(
        self, audit: Audit, before: State, word: State
    ) -> None:
        tracking = audit.wired.tracking
        (activity,) = tracking.activities("default")
        tracking.save(replace(activity, state=before))

        def work_until_a_person_acts(lease: Lease) -> bool:
            done = audit.work(lease)
            (activity,) = tracking.activities("default")
            if activity.state is before:
                tracking.save(replace(activity, state=word))
            return done

        work_in_leases(
            audit.wired.leases, "default", "audit", work_until_a_person_acts, wait=NO_WAIT
        )
        (activity,) = tracking.activities("default")
        assert activity.state is word

    def test_stores_the_number_of_rows(self, audit: Audit) -> None:
        work_in_leases(audit.wired.leases, "default", "audit", audit.work, wait=NO_WAIT)
        assert audit.activity.counts.reported == len(self.PAGES)

    def test_leaves_no_gap(self, audit: Audit) -> None:
        work_in_leases(audit.wired.leases, "default", "audit", audit.work, wait=NO_WAIT)
        (activity,) = audit.wired.tracking.activities("default")
        assert activity.progress.gaps == ()
