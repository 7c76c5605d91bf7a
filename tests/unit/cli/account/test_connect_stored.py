"""`connect` stores credentials under the lease, after reading a report with them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from constant_contact_emulator import Emulator, Kind, Limits
from email_opens.bootstrap import EmailOpens, bootstrap
from email_opens.errors import AccountBusy, AccountDisconnected
from email_opens.model import Tokens
from email_opens_cli.consent.credentials import connect, read
from tests.conftest import Aws
from tests.unit.cli.consent.consents import WatchedClock
from tests.unit.cli.world import settings

WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The product over an emulated AWS and vendor, and new tokens for it."""

    product: EmailOpens
    aws: Aws
    vendor: Emulator
    clock: WatchedClock
    tokens: Tokens

    def connect(self) -> str | None:
        return connect(self.product, "mine", self.tokens, wait=WAIT)

    def stored(self) -> Tokens | None:
        try:
            return self.product.credentials.load("mine")
        except AccountDisconnected:
            return None

    def leave_lease(self, lasts: timedelta, *, spent: int = 0) -> None:
        """Let another holder lease the account without releasing it."""
        now = self.clock.now()
        self.product.tracking.lease(
            "mine", holder="another", now=now, until=now + lasts, reserve=spent, budget=10_000
        )

    def release(self, *, last_error: str | None = None, closed: bool = False) -> None:
        """Let that holder release the lease."""
        now = self.clock.now()
        self.product.tracking.release(
            "mine",
            holder="another",
            day=now.date().isoformat(),
            unused=0,
            closed_until=now + timedelta(hours=1) if closed else None,
            last_error=last_error,
        )


@pytest.fixture
def deployment(aws: Aws) -> Iterator[Deployment]:
    clock = WatchedClock()
    with Emulator(clock=clock.now, limits=Limits()) as vendor:
        grant = vendor.connect("mine")
        tokens = Tokens(
            client_id=grant.client_id,
            refresh_token=grant.refresh_token,
            access_token=grant.access_token,
            expires_at=grant.expires_at,
        )
        product = bootstrap(settings(aws, vendor), clock=clock)
        yield Deployment(product, aws, vendor, clock, tokens)


def test_connect_stores_all_fields_of_the_tokens(deployment: Deployment) -> None:
    assert deployment.connect() is None
    assert deployment.stored() == deployment.tokens


def test_connect_creates_the_account(deployment: Deployment) -> None:
    deployment.connect()
    assert deployment.product.tracking.account("mine") is not None


def test_connect_releases_the_lease(deployment: Deployment) -> None:
    deployment.connect()
    account = deployment.product.tracking.account("mine")
    assert account is not None
    assert account.lease_holder is None


def test_connect_reads_one_report_and_counts_its_request(deployment: Deployment) -> None:
    deployment.connect()
    account = deployment.product.tracking.account("mine")
    assert account is not None
    reads = [call for call in deployment.vendor.requests if "/v3/reports/" in call.path]
    assert (len(reads), account.requests_spent) == (1, 1)


def test_connect_clears_the_last_error_and_reopens_the_account(deployment: Deployment) -> None:
    deployment.leave_lease(timedelta(minutes=1))
    deployment.release(last_error="It was disconnected.", closed=True)
    deployment.connect()
    account = deployment.product.tracking.account("mine")
    assert account is not None
    assert (account.last_error, account.closed_until) == (None, None)


class TestWithoutThePrivilege:
    @pytest.fixture(autouse=True)
    def _unprivileged(self, deployment: Deployment) -> None:
        deployment.vendor.world.behaviour.privileged = False

    def test_the_error_names_the_missing_privilege(self, deployment: Deployment) -> None:
        with pytest.raises(AccountDisconnected, match="privilege ui:campaign:metrics"):
            deployment.connect()

    def test_no_credentials_are_stored(self, deployment: Deployment) -> None:
        with pytest.raises(AccountDisconnected):
            deployment.connect()
        assert deployment.stored() is None

    def test_the_earlier_credentials_stay_stored(self, deployment: Deployment) -> None:
        before = Tokens(client_id="before", refresh_token="before")
        deployment.product.credentials.store("mine", before)
        with pytest.raises(AccountDisconnected):
            deployment.connect()
        assert deployment.stored() == before

    def test_the_lease_is_released(self, deployment: Deployment) -> None:
        with pytest.raises(AccountDisconnected):
            deployment.connect()
        account = deployment.product.tracking.account("mine")
        assert account is not None
        assert account.lease_holder is None


def test_tokens_that_the_vendor_refuses_are_not_stored(deployment: Deployment) -> None:
    deployment.vendor.authorization.revoke()
    with pytest.raises(AccountDisconnected, match="has just issued"):
        deployment.connect()
    assert deployment.stored() is None


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Kind.QUOTA_EXCEEDED, "answered 429 quota_exceeded"),
        (Kind.HTML, "answered 502"),
        (Kind.DROP, "the connection failed"),
    ],
)
def test_connect_returns_a_warning_when_the_report_cannot_be_read(
    deployment: Deployment, kind: Kind, message: str
) -> None:
    deployment.vendor.faults.add(kind)
    warning = deployment.connect()
    assert warning is not None
    assert message in warning


def test_credentials_are_stored_when_the_report_cannot_be_read(deployment: Deployment) -> None:
    deployment.vendor.faults.add(Kind.HTML)
    deployment.connect()
    assert deployment.stored() == deployment.tokens


def test_connect_sends_no_request_when_the_days_budget_is_spent(deployment: Deployment) -> None:
    deployment.leave_lease(timedelta(seconds=1), spent=10_000)
    deployment.clock.sleep(1)
    warning = deployment.connect()
    assert warning is not None
    assert "the day's budget is spent" in warning
    assert deployment.vendor.requests == []


def test_connect_waits_for_a_running_turn_and_overwrites_its_tokens(deployment: Deployment) -> None:
    deployment.leave_lease(timedelta(minutes=5))

    def turn_ends() -> None:
        # A turn that has refreshed its tokens stores them.
        deployment.product.credentials.store("mine", Tokens(client_id="old", refresh_token="old"))
        deployment.release()

    deployment.clock.during[3] = turn_ends
    deployment.connect()
    assert deployment.stored() == deployment.tokens


def test_connect_reports_a_turn_that_outlasts_the_wait(deployment: Deployment) -> None:
    deployment.leave_lease(timedelta(minutes=10))
    with pytest.raises(AccountBusy, match="is working on account mine"):
        deployment.connect()
    assert deployment.stored() is None


def test_credentials_from_standard_input_are_stored_without_a_request(
    deployment: Deployment,
) -> None:
    credentials = json.dumps(deployment.vendor.credentials("mine"))
    connect(deployment.product, "mine", read(credentials), wait=WAIT)
    assert deployment.vendor.requests == []
