"""Account ids, tokens as text, and shares of a key."""

from datetime import UTC, date, datetime, timedelta

import pytest

from email_opens.account import Account, KeyShare, Tokens, account_id
from email_opens.errors import InvalidInput

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize("name", ["default", "Shop-2.eu_west", "a" * 64])
def test_an_account_id_may_be_any_short_plain_name(name: str) -> None:
    assert account_id(name) == name


@pytest.mark.parametrize("typed", ["", " ", "a b", "a/b", "a#b", "ä", "a\n", "a" * 65])
def test_other_text_is_refused_as_an_account_id(typed: str) -> None:
    with pytest.raises(InvalidInput, match=r"^That is not an account id: expected 1 to 64 "):
        account_id(typed)


def test_the_representation_of_tokens_contains_no_secret() -> None:
    tokens = Tokens(client_id="id", refresh_token="secret", access_token="secret")
    assert repr(tokens) == "Tokens(…)"


class TestAShareOfAKey:
    SHARE = KeyShare(1900, date(2026, 3, 2))

    @pytest.mark.parametrize(
        ("days", "requests"), [(1, 1900), (2, 1938), (3, 2017), (4, 2271), (5, 3244), (6, 9449)]
    )
    def test_grows_ever_faster_from_the_second_day_on(self, days: int, requests: int) -> None:
        assert self.SHARE.on(NOON + days * DAY) == requests

    @pytest.mark.parametrize("ago", [DAY, timedelta(hours=12, seconds=1)])
    def test_begins_at_midnight(self, ago: timedelta) -> None:
        assert self.SHARE.on(NOON + DAY - ago) is None
        assert self.SHARE.on(NOON + timedelta(hours=12)) == 1900

    def test_of_a_few_requests_grows_to_all_of_them_within_two_weeks(self) -> None:
        shares = [KeyShare(24, NOON.date()).on(NOON + days * DAY) for days in range(1, 16)]
        assert shares[:2] == [24, 25]
        assert (shares[11] or 0) > 9_000
        assert shares[13] is not None
        assert shares[14] is None

    @pytest.mark.parametrize("day", [date.max, date(2026, 3, 3), date(2020, 1, 1), date.min])
    def test_of_a_day_that_is_no_recent_one_is_no_limit(self, day: date) -> None:
        account = Account(account_id="default", key_share=KeyShare(1900, day))
        assert account.requests_to_spend(9_000, NOON) == 9_000

    def test_limits_what_the_account_may_spend(self) -> None:
        account = Account(account_id="default", key_share=self.SHARE)
        assert account.requests_to_spend(9_000, NOON + DAY) == 1900

    def test_never_exceeds_the_accounts_own_budget(self) -> None:
        account = Account(account_id="default", key_share=self.SHARE)
        assert account.requests_to_spend(1000, NOON + DAY) == 1000


def test_an_account_that_was_never_refused_may_spend_its_whole_budget() -> None:
    assert Account(account_id="default").requests_to_spend(9_000, NOON) == 9_000
