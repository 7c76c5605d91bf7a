"""A new pair of tokens that the store refuses."""

from collections.abc import Callable, Iterator
from copy import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from email_opens.account import Tokens
from email_opens.adapters.retry import FIRST_SECONDS, MOST_SECONDS
from email_opens.adapters.vendor.access.token_storage import Renewed
from email_opens.adapters.vendor.access.tokens import RECORDING, TokenSource
from email_opens.errors import AccountStopped, InvalidInput
from tests.unit.adapters.vendor.sockets import Vendor, refreshed, serving


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def test_a_pair_that_could_not_be_stored_is_stored_before_it_is_used(vendor: Vendor) -> None:
    def down() -> None:
        raise OSError("the store is down")

    vendor.held.on_store = down
    with pytest.raises(OSError, match="down"):
        refreshed(vendor)
    vendor.held.on_store = lambda: None
    token = vendor.tokens.access_token(vendor.before)
    assert vendor.held.stored[-1].access_token == token
    assert vendor.statuses("/token") == [200]


class TestAStoreThatRefuses:
    """The refresh token is good for one refresh only."""

    @staticmethod
    def refusing(times: int = 1000) -> Callable[[], None]:
        """Return a function that refuses so many times, as a store does."""
        left = iter(range(times))

        def refuse() -> None:
            if next(left, None) is not None:
                raise AccountStopped("The store is down.")

        return refuse

    def source(
        self, vendor: Vendor, renewed: dict[str, Renewed], *, lasts: float = 60
    ) -> TokenSource:
        """Return the tokens of an invocation whose lease lasts so many seconds."""
        return TokenSource(
            "default",
            vendor.held,
            vendor.session,
            vendor.emulator.auth_url,
            vendor.clock,
            until=vendor.clock.now() + timedelta(seconds=lasts),
            renewed=renewed,
        )

    @pytest.fixture(autouse=True)
    def _expired(self, vendor: Vendor) -> None:
        vendor.clock.sleep(timedelta(days=1).total_seconds())

    def test_is_noticed_before_the_refresh_token_is_spent(self, vendor: Vendor) -> None:
        vendor.held.on_rewrite = self.refusing()
        with pytest.raises(AccountStopped, match="The store is down"):
            vendor.tokens.access_token(vendor.before)
        assert vendor.emulator.requests == []

    def test_is_asked_again_until_it_takes_the_new_pair(self, vendor: Vendor) -> None:
        vendor.held.on_store = self.refusing(5)
        token = vendor.tokens.access_token(vendor.before)
        assert [tokens.access_token for tokens in vendor.held.stored] == [token]
        assert vendor.statuses("/token") == [200]

    def test_is_asked_again_after_pauses_that_double(self, vendor: Vendor) -> None:
        asked = list[datetime]()
        refuse = self.refusing(5)

        def store() -> None:
            asked.append(vendor.clock.now())
            refuse()

        vendor.held.on_store = store
        vendor.tokens.access_token(vendor.before)
        pauses = [later - earlier for earlier, later in pairwise(asked)]
        longest = [timedelta(seconds=FIRST_SECONDS) * 2**number for number in range(5)]
        assert [most / 2 <= each <= most for each, most in zip(pauses, longest, strict=True)] == (
            [True] * 5
        )

    def test_is_asked_again_until_the_lease_ends(self, vendor: Vendor) -> None:
        vendor.held.on_store = self.refusing()
        started = vendor.clock.now()
        with pytest.raises(AccountStopped, match="could not be stored"):
            self.source(vendor, {}, lasts=50).access_token(started + timedelta(seconds=2))
        left = started + timedelta(seconds=50) - vendor.clock.now()
        assert RECORDING <= left <= RECORDING + timedelta(seconds=MOST_SECONDS)

    def test_gets_the_new_pair_from_the_next_invocation_of_the_process(
        self, vendor: Vendor
    ) -> None:
        renewed: dict[str, Renewed] = {}
        vendor.held.on_store = self.refusing()
        with pytest.raises(AccountStopped, match="keeps them in memory"):
            self.source(vendor, renewed).access_token(vendor.before)
        vendor.held.on_store = self.refusing(0)
        token = self.source(vendor, renewed).access_token(vendor.before)
        assert [tokens.access_token for tokens in vendor.held.stored] == [token]
        assert vendor.statuses("/token") == [200]

    def test_keeps_what_others_have_stored_since(self, vendor: Vendor) -> None:
        renewed: dict[str, Renewed] = {}
        vendor.held.on_store = self.refusing()
        with pytest.raises(AccountStopped):
            self.source(vendor, renewed).access_token(vendor.before)
        grant = vendor.emulator.connect()
        consented = Tokens(
            client_id=grant.client_id,
            refresh_token=grant.refresh_token,
            access_token=grant.access_token,
            expires_at=grant.expires_at,
        )
        vendor.held.tokens, vendor.held.on_store = consented, self.refusing(0)
        assert self.source(vendor, renewed).access_token(vendor.before) == consented.access_token
        assert (vendor.held.stored, renewed) == ([], {})

    def test_makes_an_error_that_names_the_command_for_a_rotating_token(
        self, vendor: Vendor
    ) -> None:
        vendor.held.on_store = self.refusing()
        with pytest.raises(AccountStopped) as raised:
            vendor.tokens.access_token(vendor.before)
        assert str(raised.value) == (
            "The new tokens of account “default” could not be stored: this process keeps them in "
            "memory for its next turn. If another turn reports that the refresh token is no longer "
            "accepted, run `email-opens connect default`. The store is down."
        )

    def test_makes_an_error_without_the_command_for_a_long_lived_token(self) -> None:
        with serving(rotating=False) as vendor:
            vendor.held.on_store = self.refusing()
            with pytest.raises(AccountStopped) as raised:
                refreshed(vendor)
        assert str(raised.value) == (
            "The new tokens of account “default” could not be stored: the next turn requests "
            "others. The store is down."
        )

    def test_reports_a_pair_that_does_not_fit(self, vendor: Vendor) -> None:
        def too_large() -> None:
            raise InvalidInput("It is too large.")

        vendor.held.on_store = too_large
        with pytest.raises(AccountStopped, match=r"could not be stored: .* It is too large"):
            vendor.tokens.access_token(vendor.before)

    def test_an_access_token_that_does_not_fit_is_kept_in_memory(self, vendor: Vendor) -> None:
        renewed: dict[str, Renewed] = {}
        token = self.source(vendor, renewed).access_token(vendor.before)
        assert vendor.held.tokens
        vendor.held.tokens = replace(vendor.held.tokens, access_token=None)
        assert self.source(vendor, renewed).access_token(vendor.before) == token
        assert vendor.statuses("/token") == [200]

    def test_has_newer_tokens_without_an_access_token_if_others_stored_them(
        self, vendor: Vendor
    ) -> None:
        renewed: dict[str, Renewed] = {}
        self.source(vendor, renewed).access_token(vendor.before)
        assert vendor.held.tokens
        newer = vendor.emulator.connect().refresh_token
        vendor.held.tokens = replace(vendor.held.tokens, access_token=None, refresh_token=newer)
        token = self.source(vendor, renewed).access_token(vendor.before)
        assert [len(vendor.held.stored), vendor.held.stored[-1].access_token] == [2, token]
