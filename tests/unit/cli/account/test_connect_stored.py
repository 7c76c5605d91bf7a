"""`connect` stores credentials under the lease, after reading a report with them."""

import json
from collections.abc import Iterator
from copy import replace
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from constant_contact_emulator import Emulator, Kind, Limits
from constant_contact_emulator.access.tokens import DEFAULT_SCOPE
from email_opens.account import Tokens
from email_opens.adapters.aws.credentials import SsmCredentials
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.bootstrap.product import EmailOpens, bootstrap
from email_opens.errors import AccountBusy, AccountDisconnected, AccountStopped, InvalidInput
from email_opens.model import Activity, State
from email_opens_cli.consent.credentials import Connected, connect, read
from tests.conftest import Aws
from tests.contract.replies import Answers, error
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

    def connect(self) -> Connected:
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
    assert deployment.connect() == Connected()
    assert deployment.stored() == deployment.tokens


def test_connect_creates_the_account(deployment: Deployment) -> None:
    deployment.connect()
    assert deployment.product.tracking.account("mine") is not None


def test_connect_releases_the_lease(deployment: Deployment) -> None:
    deployment.connect()
    account = deployment.product.tracking.account("mine")
    assert account is not None
    assert account.lease_holder is None


def test_connect_reads_a_report_and_the_account_and_counts_both_requests(
    deployment: Deployment,
) -> None:
    deployment.connect()
    account = deployment.product.tracking.account("mine")
    assert account is not None
    reads = [call for call in deployment.vendor.requests if "/v3/" in call.path]
    assert (len(reads), account.requests_spent) == (2, 2)


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
    (warning,) = deployment.connect().unchecked
    assert message in warning


def test_connect_names_once_what_keeps_it_from_every_check(deployment: Deployment) -> None:
    deployment.vendor.faults.add(Kind.DROP, times=None)
    (warning,) = deployment.connect().unchecked
    assert warning.startswith(
        "email-opens could not check whether the account may read reports, and which Constant "
        "Contact account it is: The vendor did not answer: the connection failed"
    )


def test_credentials_are_stored_when_the_report_cannot_be_read(deployment: Deployment) -> None:
    deployment.vendor.faults.add(Kind.HTML)
    deployment.connect()
    assert deployment.stored() == deployment.tokens


def test_connect_sends_no_request_when_the_days_budget_is_spent(deployment: Deployment) -> None:
    deployment.leave_lease(timedelta(seconds=1), spent=10_000)
    deployment.clock.sleep(1)
    (warning,) = deployment.connect().unchecked
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


class TestFromStandardInput:
    """Credentials without an access token: their refresh token is used under the lease."""

    def provided(self, deployment: Deployment) -> Tokens:
        return read(json.dumps(deployment.vendor.credentials("mine")))

    def test_credentials_are_refreshed_checked_and_stored(self, deployment: Deployment) -> None:
        provided = self.provided(deployment)
        assert connect(deployment.product, "mine", provided, wait=WAIT) == Connected()
        stored = deployment.stored()
        assert stored is not None
        assert stored.access_token is not None
        assert stored.refresh_token != provided.refresh_token

    def test_credentials_are_stored_as_they_are_when_the_vendor_does_not_answer(
        self, deployment: Deployment
    ) -> None:
        provided = self.provided(deployment)
        for _ in range(4):
            deployment.vendor.faults.add(Kind.HTML, path="/token")
        (warning,) = connect(deployment.product, "mine", provided, wait=WAIT).unchecked
        assert "and which Constant Contact account it is: " in warning
        assert deployment.stored() == provided

    def test_spent_credentials_do_not_replace_those_that_are_stored(
        self, deployment: Deployment
    ) -> None:
        provided = self.provided(deployment)
        connect(deployment.product, "mine", provided, wait=WAIT)
        stored = deployment.stored()
        with pytest.raises(AccountDisconnected, match="no longer accepts the refresh token"):
            connect(deployment.product, "mine", provided, wait=WAIT)
        assert deployment.stored() == stored

    def test_a_store_that_refuses_is_noticed_before_the_refresh_token_is_used(
        self, deployment: Deployment
    ) -> None:
        deployment.connect()
        before, ssm = len(deployment.vendor.requests), deployment.aws.ssm
        Answers(ssm, "PutParameter", *[error("AccessDeniedException")] * 100)
        credentials = SsmCredentials(ssm, deployment.aws.credentials_prefix)
        product = replace(deployment.product, credentials=credentials)
        with pytest.raises(AccountStopped, match="allow ssm:PutParameter"):
            connect(product, "mine", self.provided(deployment), wait=WAIT)
        assert deployment.vendor.requests[before:] == []


class TestTheVendorsAccount:
    """The vendor's own id of the account, which a consent is compared with."""

    def known(self, deployment: Deployment) -> str | None:
        account = deployment.product.tracking.account("mine")
        return account.vendor_account_id if account else None

    def of(self, deployment: Deployment, name: str, scope: str = DEFAULT_SCOPE) -> Tokens:
        """Return the tokens of a consent of an account of the vendor."""
        grant = deployment.vendor.connect(name, scope=scope)
        return Tokens(
            client_id=grant.client_id,
            refresh_token=grant.refresh_token,
            access_token=grant.access_token,
            expires_at=grant.expires_at,
        )

    def test_is_stored_at_the_first_connect(self, deployment: Deployment) -> None:
        deployment.connect()
        assert self.known(deployment) == "a07emine"

    def test_that_is_the_same_is_accepted(self, deployment: Deployment) -> None:
        deployment.connect()
        again = self.of(deployment, "mine")
        assert connect(deployment.product, "mine", again, wait=WAIT) == Connected()
        assert deployment.stored() == again

    def test_that_differs_is_refused(self, deployment: Deployment) -> None:
        deployment.connect()
        other = self.of(deployment, "other")
        with pytest.raises(
            InvalidInput, match="account a07eother, but the previous one was for a07emine"
        ) as raised:
            connect(deployment.product, "mine", other, wait=WAIT)
        assert "--another-account" in str(raised.value)
        assert deployment.stored() == deployment.tokens
        assert self.known(deployment) == "a07emine"

    def test_that_is_refused_leaves_no_error_of_the_account(self, deployment: Deployment) -> None:
        deployment.connect()
        with pytest.raises(InvalidInput):
            connect(deployment.product, "mine", self.of(deployment, "other"), wait=WAIT)
        account = deployment.product.tracking.account("mine")
        assert account is not None
        assert (account.last_error, account.lease_holder) == (None, None)

    def test_that_differs_is_refused_for_an_account_whose_id_was_never_stored(
        self, deployment: Deployment
    ) -> None:
        deployment.product.credentials.store("mine", deployment.tokens)
        with pytest.raises(
            InvalidInput, match="account a07eother, but the previous one was for a07emine"
        ):
            connect(deployment.product, "mine", self.of(deployment, "other"), wait=WAIT)
        assert deployment.stored() == deployment.tokens

    def test_is_not_compared_with_that_of_credentials_that_no_longer_work(
        self, deployment: Deployment
    ) -> None:
        deployment.product.credentials.store("mine", deployment.tokens)
        deployment.vendor.authorization.revoke()
        other = self.of(deployment, "other")
        assert connect(deployment.product, "mine", other, wait=WAIT) == Connected()
        assert self.known(deployment) == "a07eother"

    def test_that_differs_replaces_the_first_if_the_person_insists(
        self, deployment: Deployment
    ) -> None:
        deployment.connect()
        other = self.of(deployment, "other")
        connect(deployment.product, "mine", other, wait=WAIT, another_account=True)
        assert deployment.stored() == other
        assert self.known(deployment) == "a07eother"

    def test_that_differs_is_refused_for_credentials_from_standard_input(
        self, deployment: Deployment
    ) -> None:
        deployment.connect()
        provided = read(json.dumps(deployment.vendor.credentials("other")))
        with pytest.raises(InvalidInput, match="The refresh token that you provided has been used"):
            connect(deployment.product, "mine", provided, wait=WAIT)
        assert deployment.stored() == deployment.tokens

    def test_is_kept_when_the_credentials_are_deleted(
        self, deployment: Deployment, aws: Aws
    ) -> None:
        deployment.connect()
        aws.ssm.delete_parameter(Name="/email-opens/mine")
        with pytest.raises(InvalidInput, match="but the previous one was for"):
            connect(deployment.product, "mine", self.of(deployment, "other"), wait=WAIT)

    def test_is_not_compared_without_the_scope(self, deployment: Deployment) -> None:
        deployment.connect()
        narrow = self.of(deployment, "mine", "campaign_data offline_access")
        (warning,) = connect(deployment.product, "mine", narrow, wait=WAIT).unchecked
        assert "lacks the scope account_read" in warning
        assert deployment.stored() == narrow
        assert self.known(deployment) == "a07emine"

    def test_is_compared_after_an_error_of_the_vendor(self, deployment: Deployment) -> None:
        deployment.connect()
        deployment.vendor.faults.add(Kind.HTML, path="/v3/account/")
        with pytest.raises(InvalidInput, match="but the previous one was for"):
            connect(deployment.product, "mine", self.of(deployment, "other"), wait=WAIT)

    def test_is_not_compared_while_the_vendor_fails(self, deployment: Deployment) -> None:
        deployment.connect()
        for _ in range(4):
            deployment.vendor.faults.add(Kind.HTML, path="/v3/account/")
        again = self.of(deployment, "mine")
        (warning,) = connect(deployment.product, "mine", again, wait=WAIT).unchecked
        assert "was not compared: The vendor answered 502" in warning
        assert deployment.stored() == again


class TestEmailsThatTheVendorDidNotKnow:
    def activity(self, deployment: Deployment, state: State, **values: Any) -> str:
        activity_id = str(uuid4())
        now = deployment.clock.now()
        deployment.product.tracking.add(
            Activity(
                account_id="mine",
                campaign_activity_id=activity_id,
                state=state,
                tracked_at=now - timedelta(days=2),
                **values,
            )
        )
        return activity_id

    def states(self, deployment: Deployment) -> dict[str, tuple[State, datetime | None]]:
        return {
            activity.campaign_activity_id: (activity.state, activity.missing_since)
            for activity in deployment.product.tracking.activities("mine")
        }

    def test_are_polled_again_once_the_account_is_connected(self, deployment: Deployment) -> None:
        hour_ago = deployment.clock.now() - timedelta(hours=1)
        gone = self.activity(deployment, State.GONE, missing_since=hour_ago)
        missing = self.activity(deployment, State.ACTIVE, missing_since=hour_ago)
        paused = self.activity(deployment, State.PAUSED)
        assert deployment.connect().revived == 2
        assert self.states(deployment) == {
            gone: (State.ACTIVE, None),
            missing: (State.ACTIVE, None),
            paused: (State.PAUSED, None),
        }

    def test_stay_as_they_are_when_the_credentials_are_refused(
        self, deployment: Deployment
    ) -> None:
        gone = self.activity(deployment, State.GONE)
        deployment.vendor.world.behaviour.privileged = False
        with pytest.raises(AccountDisconnected):
            deployment.connect()
        assert self.states(deployment) == {gone: (State.GONE, None)}

    def test_are_polled_again_although_another_writer_changed_one_of_them_first(
        self, deployment: Deployment
    ) -> None:
        first, second = (self.activity(deployment, State.GONE) for _ in range(2))
        dynamodb = deployment.aws.dynamodb
        Answers(dynamodb, "PutItem", error("ConditionalCheckFailedException"))
        tracking = DynamoDBTracking(dynamodb, deployment.aws.tracking_table)
        product = replace(deployment.product, tracking=tracking)
        assert connect(product, "mine", deployment.tokens, wait=WAIT).revived == 1
        states = [state for state, _ in self.states(deployment).values()]
        assert sorted(states) == [State.ACTIVE, State.GONE]
        assert {first, second} == self.states(deployment).keys()


@pytest.mark.parametrize("seconds_left", [0.5, 2.0])
def test_a_consent_at_midnight_is_stored_although_it_cannot_be_checked(
    deployment: Deployment, seconds_left: float
) -> None:
    # The requests that a lease has reserved end with the UTC day, and the lease goes on.
    deployment.clock.sleep(10 * 3600 - seconds_left)
    deployment.vendor.faults.add(Kind.HTML)
    deployment.vendor.faults.add(Kind.HTML)
    connected = deployment.connect()
    assert connected.unchecked
    assert deployment.stored() == deployment.tokens
