"""What a command that works under the lease leaves of the account, and how long it works."""

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from email_opens.account import CounterTrust
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.allowance.lease import NO_WAIT
from email_opens.bootstrap.product import EmailOpens
from email_opens.turns.report import TurnReport
from email_opens.turns.turns import LEASE_PATIENCE
from email_opens_cli.commands import poll
from email_opens_cli.commands.opens.audit import Audit
from email_opens_cli.deployed.turns import reports as turns
from email_opens_cli.deployed.turns.leases import COMMIT, HOLD, hold, work_in_leases
from tests.conftest import Aws
from tests.core.setup import Pages, report_of, row
from tests.integration.deployment import load
from tests.unit.cli.slow_report import slow_product
from tests.unit.cli.world import World, run

ERROR = "The vendor returned no access token: it answered 503."
TRUST = CounterTrust(missed=0.25, lag_seconds=61.5)


def leave(world: World, *, closed_until: datetime | None = None) -> None:
    """Leave the account as a turn did that was stopped."""
    now = world.vendor.world.clock()
    tracking: DynamoDBTracking = world.tracking
    assert tracking.lease(
        "default", holder="turn", now=now, until=now + timedelta(minutes=1), reserve=0, budget=0
    )
    tracking.release(
        "default",
        holder="turn",
        day=now.date().isoformat(),
        unused=0,
        closed_until=closed_until,
        last_error=ERROR,
        counter_trust=TRUST,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("audit", "ACTIVITY"),
        ("replay", "ACTIVITY", "--since", "beginning", "--to", "SUBSCRIBER", "--yes"),
        ("campaigns",),
        ("discover",),
        ("doctor",),
    ],
    ids=lambda command: command[0],
)
def test_a_command_keeps_what_the_last_turn_has_left_of_the_account(
    world: World, command: tuple[str, ...]
) -> None:
    """Only a turn finds out that the account works again; until then `status` shows the error."""
    activity_id = world.opened(2)
    world.track(activity_id)
    run("poll")
    leave(world)
    before = len(world.vendor.requests)
    values = {"ACTIVITY": activity_id, "SUBSCRIBER": world.aws.subscriber_url}
    result = run(*(values.get(word, word) for word in command))
    assert len(world.vendor.requests) > before, result.output  # It has worked, under the lease.
    account = world.tracking.account("default")
    assert account is not None
    assert (account.last_error, account.counter_trust, account.lease_holder) == (ERROR, TRUST, None)


class TestTheEndOfALease:
    @pytest.fixture
    def product(self, aws: Aws) -> EmailOpens:
        return slow_product(aws, Pages({}))[0]

    def test_is_kept_to_commit(self, product: EmailOpens) -> None:
        with hold(product.leases, "default", "test", wait=NO_WAIT) as lease:
            account = product.tracking.account("default")
        assert account is not None
        assert account.lease_until is not None
        assert account.lease_until - lease.before == COMMIT

    def test_is_no_shorter_than_a_function_keeps(self) -> None:
        """A command commits from farther away than a function in the same region."""
        reserved = timedelta(seconds=load().COMMIT_SECONDS)
        assert reserved <= COMMIT < HOLD
        assert reserved <= turns.COMMIT < turns.TURN

    def test_is_kept_to_commit_by_a_turn_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given: dict[str, timedelta] = {}

        def take_turn(account_id: str, **how: timedelta) -> TurnReport:
            given.update(how)
            return TurnReport(account_id)

        wired = SimpleNamespace(turns=SimpleNamespace(take_turn=take_turn))
        monkeypatch.setattr(poll, "product", lambda _: wired)
        assert run("poll").exit_code == 0
        assert (given["lasts"], given["commit"]) == (turns.TURN, turns.COMMIT)

    def test_begins_no_request(self, aws: Aws) -> None:
        """An audit of slow pages ends each lease before its last part."""
        product, report = slow_product(aws, report_of(*((row(n),) for n in range(9, 0, -1))))
        (activity,) = product.tracking.activities("default")
        audit = Audit(product, activity)
        ends: set[datetime] = set()

        def noting(lease: object) -> bool:
            account = product.tracking.account("default")
            assert account is not None
            assert account.lease_until is not None
            ends.add(account.lease_until - COMMIT)
            return audit.work(lease)  # type: ignore[arg-type] # the lease in hand

        work_in_leases(product.leases, "default", "audit", noting, wait=NO_WAIT)
        assert len(ends) > 1
        assert report.pages.deadlines == ends

    def test_comes_soon_enough_for_a_turn_that_waits(self) -> None:
        """A turn waits a little for its lease, and the next one comes a minute later."""
        assert timedelta(minutes=1) + LEASE_PATIENCE >= HOLD
