"""Many accounts in one stack: each has the results that it has alone."""

import pytest

from bench.accounts import Stack, differing, name

ACCOUNTS, EMAILS, MINUTES = 30, 5, 4


def test_accounts_whose_turns_interleave_have_the_results_that_each_has_alone() -> None:
    others, stack = differing(ACCOUNTS, EMAILS, MINUTES)
    assert others == []
    assert stack.clock.most_at_once > 1
    assert stack.instances < ACCOUNTS
    assert all(stack.topic.published[name(number)] for number in range(ACCOUNTS))
    # Wake-ups start turns too.
    assert all(turns > MINUTES for turns in stack.turns.values())


def test_the_vendor_serves_a_token_only_its_own_e_mails() -> None:
    stack = Stack(range(2), EMAILS)
    tokens = stack.credentials.tokens
    tokens[name(0)] = tokens[name(1)]
    with pytest.raises(SystemExit, match=f"A turn of {name(0)} failed"):
        stack.run(1)
