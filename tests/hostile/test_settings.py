"""Settings and events that no template and no schedule would give."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from email_opens.config import MOST, read_settings
from email_opens.errors import InvalidInput, InvalidSettings
from tests.hostile.operations import growth
from tests.hostile.values import ADDRESS, MEGABYTE, json_values, leaked, refusal, texts
from tests.integration.deployed import Context, load
from tests.unit.test_config import ENVIRONMENT, NUMBERS, URLS

addresses = st.builds("{}://{}".format, st.sampled_from(["http", "https", "ftp", ""]), texts)
environments = st.builds(
    lambda plain, urls: ENVIRONMENT | plain | urls,
    st.dictionaries(st.sampled_from([*ENVIRONMENT, *NUMBERS]), texts),
    st.dictionaries(st.sampled_from(URLS), addresses),
)

NOTHING_MEASURED = "ignore:No application metrics to publish"


@pytest.fixture(scope="module")
def app() -> ModuleType:
    return load()


def asked(app: ModuleType, event: object) -> InvalidInput | InvalidSettings | None:
    """Let the handler refuse an event, or the settings, of which there are none."""
    return refusal(InvalidInput, lambda: refusal(InvalidSettings, lambda: handled(app, event)))


def handled(app: ModuleType, event: object) -> Any:
    return app.handler(event, Context())


def settled(environment: dict[str, str]) -> InvalidSettings | None:
    return refusal(InvalidSettings, lambda: read_settings(environment))


@given(environments)
def test_settings_are_read_or_refused_without_their_values(environment: dict[str, str]) -> None:
    assert leaked(settled(environment)) == []


@given(environments)
def test_numbers_that_are_read_are_within_their_bounds(environment: dict[str, str]) -> None:
    if settled(environment) is None:
        read = read_settings(environment)
        assert min(read.requests_per_day, read.requests_per_second) >= 1
        assert max(read.requests_per_day, read.requests_per_second) <= MOST


@pytest.mark.parametrize("address", ["https://[", "https://]", "https://\u2100.example"])
@pytest.mark.parametrize("name", URLS)
def test_an_address_that_is_none_is_refused_by_its_name(name: str, address: str) -> None:
    with pytest.raises(InvalidSettings, match=name):
        read_settings(ENVIRONMENT | {name: address})


@pytest.mark.parametrize(
    "address",
    ["https://a.example:99999", "https://a.example:x", "https://a b", "https://a.example?x#y"],
)
def test_an_address_of_which_nothing_can_be_asked_is_refused(address: str) -> None:
    with pytest.raises(InvalidSettings, match=URLS[0]):
        read_settings(ENVIRONMENT | {URLS[0]: address})


@pytest.mark.parametrize("name", [*ENVIRONMENT, *NUMBERS, *URLS])
def test_work_does_not_grow_with_a_settings_length(name: str) -> None:
    short, long = (ENVIRONMENT | {name: "x" * size} for size in (10, MEGABYTE))
    assert growth(settled, short, long) < 2  # The first one's parts are cached by urllib.


@pytest.mark.filterwarnings(NOTHING_MEASURED)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=json_values | st.fixed_dictionaries({"account_id": json_values | texts}))
def test_an_event_is_taken_or_refused_with_a_short_sentence(app: ModuleType, event: object) -> None:
    assert len(str(asked(app, event))) <= 250


@pytest.mark.filterwarnings(NOTHING_MEASURED)
def test_an_address_in_an_event_is_not_told(app: ModuleType) -> None:
    assert leaked(asked(app, {"account_id": ADDRESS})) == []
