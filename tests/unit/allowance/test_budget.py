"""The requests of a day, reserved in blocks."""

import pytest

from email_opens.allowance.budget import BLOCK, Budget
from email_opens.errors import AccountResting, BudgetSpent, OutOfTime
from tests.contract.samples import NOON


class Reserved:
    """What was reserved, and how often it is refused."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.blocks: list[int] = []
        self._refuses = refuses

    def __call__(self, requests: int) -> bool:
        self.blocks.append(requests)
        return not self._refuses


def test_reserved_requests_are_spent_without_another_reservation() -> None:
    reserved = Reserved()
    budget = Budget(2, 100, reserved)
    budget.take()
    budget.take()
    assert (reserved.blocks, budget.spent, budget.unused) == ([], 2, 0)


def test_a_block_is_reserved_before_its_first_request_is_spent() -> None:
    reserved = Reserved()
    budget = Budget(0, 1000, reserved)
    budget.take()
    assert (reserved.blocks, budget.unused, budget.left) == ([BLOCK], BLOCK - 1, 999)


def test_the_last_block_is_what_the_day_has_left() -> None:
    reserved = Reserved()
    budget = Budget(0, 7, reserved)
    for _ in range(7):
        budget.take()
    assert (reserved.blocks, budget.left) == ([7], 0)


def test_a_day_without_requests_ends_the_turn() -> None:
    with pytest.raises(BudgetSpent) as raised:
        Budget(0).take()
    spent = "The day's budget of requests is spent; it begins anew at 00:00 UTC."
    assert str(raised.value) == spent


def test_requests_that_cannot_be_reserved_are_not_spent() -> None:
    with pytest.raises(OutOfTime) as raised:
        Budget(0, 5).take()
    lost = "The lease was lost: another invocation counts the day's requests."
    assert str(raised.value) == lost


def test_a_refused_reservation_is_not_repeated() -> None:
    reserved = Reserved(refuses=True)
    budget = Budget(0, 100, reserved)
    for _ in range(2):
        with pytest.raises(OutOfTime):
            budget.take()
    assert (reserved.blocks, budget.left, budget.spent) == ([BLOCK], 0, 0)


def test_to_be_ready_spends_nothing() -> None:
    budget = Budget(1)
    budget.ready()
    assert (budget.spent, budget.unused) == (0, 1)


def test_a_rest_without_a_reason_is_reported_without_one() -> None:
    budget = Budget(10, rests_until=NOON)
    with pytest.raises(AccountResting) as raised:
        budget.check_open()
    assert str(raised.value) == "No request is sent to the vendor before 2026-03-02T12:00:00Z."


def test_a_budget_holds_the_end_of_its_lease() -> None:
    assert Budget(10, lease_until=NOON).lease_until == NOON


class TestWithheldRequests:
    def test_are_not_spent(self) -> None:
        budget = Budget(60, withheld=57)
        for _ in range(3):
            budget.take()
        with pytest.raises(BudgetSpent):
            budget.take()
        assert budget.spent == 3

    def test_are_not_left(self) -> None:
        assert Budget(60, withheld=57).left == 3
        assert Budget(60, withheld=60).left == 0

    def test_are_given_back(self) -> None:
        budget = Budget(60, withheld=57)
        budget.take()
        assert budget.unused == 59

    def test_do_not_let_more_be_reserved(self) -> None:
        reserved = Reserved()
        budget = Budget(60, -57, reserved, withheld=57)
        for _ in range(3):
            budget.take()
        with pytest.raises(BudgetSpent):
            budget.ready()
        assert (reserved.blocks, budget.left) == ([], 0)


def test_a_budget_is_reopened_for_requests_of_another_key() -> None:
    budget = Budget(1, opens_at=NOON, rests_until=NOON)
    assert not budget.of_another_key
    budget.reopen()
    budget.check_open()
    assert budget.of_another_key
