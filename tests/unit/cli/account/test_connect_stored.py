"""Credentials are stored once a report could be read with them, in nobody's way."""

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
class Deployed:
    """The product over an emulated AWS and vendor, and fresh tokens."""

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
        """Let another take the account, and not give it back."""
        now = self.clock.now()
        self.product.tracking.lease(
            "mine", holder="another", now=now, until=now + lasts, reserve=spent, budget=10_000
        )

    def release(self, *, last_error: str | None = None, closed: bool = False) -> None:
        """Let that other give it back."""
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
def at(aws: Aws) -> Iterator[Deployed]:
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
        yield Deployed(product, aws, vendor, clock, tokens)


def test_they_are_stored_whole(at: Deployed) -> None:
    assert at.connect() is None
    assert at.stored() == at.tokens


def test_an_account_is_made(at: Deployed) -> None:
    at.connect()
    assert at.product.tracking.account("mine") is not None


def test_the_account_is_let_go(at: Deployed) -> None:
    at.connect()
    account = at.product.tracking.account("mine")
    assert account is not None
    assert account.lease_holder is None


def test_one_request_asks_for_a_report_and_is_counted(at: Deployed) -> None:
    at.connect()
    account = at.product.tracking.account("mine")
    assert account is not None
    asked = [one for one in at.vendor.requests if "/v3/reports/" in one.path]
    assert (len(asked), account.requests_spent) == (1, 1)


def test_what_was_wrong_before_is_forgotten(at: Deployed) -> None:
    at.leave_lease(timedelta(minutes=1))
    at.release(last_error="It was disconnected.", closed=True)
    at.connect()
    account = at.product.tracking.account("mine")
    assert account is not None
    assert (account.last_error, account.closed_until) == (None, None)


class TestWithoutThePrivilege:
    @pytest.fixture(autouse=True)
    def _privilege(self, at: Deployed) -> None:
        at.vendor.world.behaviour.privileged = False

    def test_the_one_that_is_missing_is_named(self, at: Deployed) -> None:
        with pytest.raises(AccountDisconnected, match="privilege ui:campaign:metrics"):
            at.connect()

    def test_nothing_is_stored(self, at: Deployed) -> None:
        with pytest.raises(AccountDisconnected):
            at.connect()
        assert at.stored() is None

    def test_the_credentials_of_before_stand(self, at: Deployed) -> None:
        before = Tokens(client_id="before", refresh_token="before")
        at.product.credentials.store("mine", before)
        with pytest.raises(AccountDisconnected):
            at.connect()
        assert at.stored() == before

    def test_the_account_is_let_go(self, at: Deployed) -> None:
        with pytest.raises(AccountDisconnected):
            at.connect()
        account = at.product.tracking.account("mine")
        assert account is not None
        assert account.lease_holder is None


def test_tokens_that_are_refused_at_once_are_not_stored(at: Deployed) -> None:
    at.vendor.authorization.revoke()
    with pytest.raises(AccountDisconnected, match="has just issued"):
        at.connect()
    assert at.stored() is None


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Kind.QUOTA_EXCEEDED, "answered 429 quota_exceeded"),
        (Kind.HTML, "answered 502"),
        (Kind.DROP, "the connection failed"),
    ],
)
def test_a_vendor_that_cannot_show_a_report_now_is_told_of(
    at: Deployed, kind: Kind, said: str
) -> None:
    at.vendor.faults.add(kind)
    told = at.connect()
    assert told is not None
    assert said in told


def test_a_vendor_that_cannot_show_a_report_now_hinders_nothing(at: Deployed) -> None:
    at.vendor.faults.add(Kind.HTML)
    at.connect()
    assert at.stored() == at.tokens


def test_a_day_that_is_spent_is_not_overspent(at: Deployed) -> None:
    at.leave_lease(timedelta(seconds=1), spent=10_000)
    at.clock.sleep(1)
    told = at.connect()
    assert told is not None
    assert "the day's budget is spent" in told
    assert at.vendor.requests == []


def test_a_turn_in_hand_is_waited_for(at: Deployed) -> None:
    at.leave_lease(timedelta(minutes=5))

    def turn_ends() -> None:
        # As a poll does that has refreshed in mid-turn.
        at.product.credentials.store("mine", Tokens(client_id="old", refresh_token="old"))
        at.release()

    at.clock.during[3] = turn_ends
    at.connect()
    assert at.stored() == at.tokens


def test_a_turn_that_does_not_end_is_reported(at: Deployed) -> None:
    at.leave_lease(timedelta(minutes=10))
    with pytest.raises(AccountBusy, match="is working on account mine"):
        at.connect()
    assert at.stored() is None


def test_credentials_that_were_handed_over_are_stored_untried(at: Deployed) -> None:
    given = json.dumps(at.vendor.credentials("mine"))
    connect(at.product, "mine", read(given), wait=WAIT)
    assert at.vendor.requests == []
