"""The polling function's event: anything may arrive from a schedule, a queue or a person."""

import json
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from email_opens.adapters.local.wake_ups import NextWakeUp
from email_opens.config.stack import Monitoring
from email_opens.errors import InvalidInput
from email_opens.turns.report import TurnReport
from tests.fakes import FakeClock, MemoryCredentials
from tests.hostile.values import (
    ADDRESS,
    DEEPEST,
    SECRET,
    json_values,
    leaked,
    nested,
    refusal,
    texts,
)
from tests.integration.deployment import Context, load

names = texts | st.sampled_from(["default", "acme", "a" * 64, "a" * 65])
bodies = st.one_of(
    texts,
    st.builds(lambda: nested(DEEPEST)),
    st.fixed_dictionaries(
        {}, optional={"account_id": names | json_values, "wake_up": texts | json_values}
    ).map(json.dumps),
)
records = st.lists(json_values | st.fixed_dictionaries({"body": bodies | json_values}))
events = st.one_of(
    json_values,
    st.fixed_dictionaries({"account_id": names | json_values}),
    st.fixed_dictionaries({"Records": records | json_values}),
)


@pytest.fixture(scope="module")
def app() -> ModuleType:
    """Return the function, with turns that do nothing."""
    app = load()

    def take_turn(account_id: str, **_: object) -> TurnReport:
        return TurnReport(account_id)

    product = SimpleNamespace(
        clock=FakeClock(),
        turns=SimpleNamespace(take_turn=take_turn),
        credentials=MemoryCredentials(),
        wake_ups=NextWakeUp(),
        settings=SimpleNamespace(
            monitoring=Monitoring.NONE, stack_name="mine", account_id="default"
        ),
    )
    app.email_opens = lambda: product  # type: ignore[attr-defined] # the function's cache
    return app


@given(events)
@example({"account_id": SECRET})
@example({"account_id": f"{ADDRESS} {SECRET}"})
@example({"Records": [{"body": json.dumps({"account_id": "acme", "wake_up": "token"})}]})
def test_any_event_starts_turns_of_valid_accounts_or_is_refused(
    app: ModuleType, event: Any
) -> None:
    replies: list[Any] = []
    error = refusal(InvalidInput, lambda: replies.append(app.handler(event, Context())))
    assert error is None or len(str(error)) < 1_000
    for reply in replies:
        for turn in reply.get("turns", [reply]):
            account = turn["account_id"]
            assert account.isascii()
            assert 0 < len(account) <= 64


@given(st.builds(lambda text: {"account_id": f"{text}\n{ADDRESS}"}, texts))
def test_an_event_that_is_refused_leaks_no_address(app: ModuleType, event: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        app.handler(event, Context())
    assert leaked(refused.value) == []
