"""Settings and events that neither the template nor a schedule produces."""

import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from email_opens.config.settings import wake_up
from email_opens.config.stack import read_settings
from email_opens.config.variables import MOST
from email_opens.errors import InvalidInput, InvalidSettings
from tests.hostile.operations import growth
from tests.hostile.values import ADDRESS, MEGABYTE, json_values, leaked, refusal, texts
from tests.integration.deployment import Context, load
from tests.unit.config.test_settings import ENVIRONMENT, NUMBERS, URLS

addresses = st.builds("{}://{}".format, st.sampled_from(["http", "https", "ftp", ""]), texts)
environments = st.builds(
    lambda plain, urls: ENVIRONMENT | plain | urls,
    st.dictionaries(st.sampled_from([*ENVIRONMENT, *NUMBERS]), texts),
    st.dictionaries(st.sampled_from([*URLS, "HTTPS_PROXY"]), addresses),
)


@pytest.fixture(scope="module")
def app() -> ModuleType:
    return load()


def invoked(app: ModuleType, event: object) -> InvalidInput | InvalidSettings | None:
    """Invoke the handler without settings; return the error with which it refuses."""
    return refusal(InvalidInput, lambda: refusal(InvalidSettings, lambda: handle(app, event)))


def handle(app: ModuleType, event: object) -> Any:
    return app.handler(event, Context())


def settings_error(environment: dict[str, str]) -> InvalidSettings | None:
    return refusal(InvalidSettings, lambda: read_settings(environment))


@given(environments)
def test_settings_are_read_or_refused_without_leaking_their_values(
    environment: dict[str, str],
) -> None:
    assert leaked(settings_error(environment)) == []


@given(environments)
def test_numbers_that_are_accepted_are_within_their_bounds(environment: dict[str, str]) -> None:
    if settings_error(environment) is None:
        read = read_settings(environment)
        assert min(read.requests_per_day, read.requests_per_second) >= 1
        assert max(read.requests_per_day, read.requests_per_second) <= MOST


@pytest.mark.parametrize("address", ["https://[", "https://]", "https://\u2100.example"])
@pytest.mark.parametrize("name", URLS)
def test_the_error_of_a_malformed_url_names_its_setting(name: str, address: str) -> None:
    with pytest.raises(InvalidSettings, match=name):
        read_settings(ENVIRONMENT | {name: address})


@pytest.mark.parametrize(
    "address",
    ["https://a.example:99999", "https://a.example:x", "https://a b", "https://a.example?x#y"],
)
def test_a_url_that_cannot_be_requested_is_refused(address: str) -> None:
    with pytest.raises(InvalidSettings, match=URLS[0]):
        read_settings(ENVIRONMENT | {URLS[0]: address})


@pytest.mark.parametrize("name", [*ENVIRONMENT, *NUMBERS, *URLS])
def test_the_work_does_not_grow_with_the_length_of_a_setting(name: str) -> None:
    short, long = (ENVIRONMENT | {name: "x" * size} for size in (10, MEGABYTE))
    assert growth(settings_error, short, long) < 2  # urllib caches the parts of the first.


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=json_values | st.fixed_dictionaries({"account_id": json_values | texts}))
def test_an_event_is_accepted_or_refused_with_a_short_message(
    app: ModuleType, event: object
) -> None:
    assert len(str(invoked(app, event))) <= 250


bodies = json_values.map(json.dumps) | st.dictionaries(
    st.sampled_from(["account_id", "wake_up"]), json_values | texts
).map(json.dumps)


@given(record=json_values | st.fixed_dictionaries({"body": bodies | texts | json_values}))
def test_a_message_is_a_wake_up_or_refused_without_leaking_its_content(record: object) -> None:
    error = refusal(InvalidInput, lambda: wake_up(record))
    assert len(str(error)) <= 250
    assert leaked(error) == []


def test_the_error_of_an_event_does_not_contain_an_address(app: ModuleType) -> None:
    assert leaked(invoked(app, {"account_id": ADDRESS})) == []
