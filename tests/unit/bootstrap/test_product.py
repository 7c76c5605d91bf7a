"""Every setting reaches the part of the product that it is about."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from email_opens.account import Tokens
from email_opens.allowance.budget import Budget
from email_opens.bootstrap.product import bootstrap, bootstrap_discovery
from email_opens.discovery.selection import Names
from email_opens.errors import InvalidSettings, ReportUnavailable
from tests.unit.adapters.vendor.sockets import Held

ENVIRONMENT = {
    "TRACKING_TABLE": "tracking",
    "LEDGER_TABLE": "ledger",
    "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:opens",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
    "WAKE_UPS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/wake-ups",
    "CREDENTIALS_PREFIX": "/email-opens/",
}
DAYS = timedelta(days=1)
MINUTES = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("name", "value", "read", "expected"),
    [
        ("LOOKBACK_MINUTES", "23", lambda product: product.turns.lookback, 23 * MINUTES),
        ("FINISHED_AFTER_DAYS", "23", lambda product: product.turns.finished_after, 23 * DAYS),
        ("CAMPAIGNS_PER_PROBE", "23", lambda product: product.turns.campaigns_per_probe, 23),
        (
            "CONSTANT_CONTACT_API_URL",
            "https://api.example/",
            lambda product: product.connect("default", Budget(0)).url,
            "https://api.example",
        ),
    ],
)
def test_a_setting_of_polls_reaches_its_place(
    name: str, value: str, read: Callable[[Any], object], expected: object
) -> None:
    assert read(bootstrap(ENVIRONMENT | {name: value})) == expected
    assert read(bootstrap(ENVIRONMENT)) != expected


def test_turns_and_searches_leave_the_reserved_requests_and_commands_may_spend_them() -> None:
    environment = ENVIRONMENT | {"REQUESTS_PER_DAY": "1000", "RESERVED_PERCENT": "30"}
    polls, searches = bootstrap(environment), bootstrap_discovery(environment)
    assert polls.turns.leases.requests_per_day == 700
    assert searches.discovery.leases.requests_per_day == 700
    assert polls.leases.requests_per_day == 1000


def test_turns_and_searches_keep_to_the_share_of_a_key_and_commands_need_not() -> None:
    polls, searches = bootstrap(ENVIRONMENT), bootstrap_discovery(ENVIRONMENT)
    assert polls.turns.leases.keeps_to_share
    assert searches.discovery.leases.keeps_to_share
    assert not polls.leases.keeps_to_share


def test_the_settings_of_discovery_reach_the_search() -> None:
    settings = {
        "DISCOVERY_LOOKBACK_DAYS": "23",
        "INCLUDE_NAMES": "news*, shop*",
        "EXCLUDE_NAMES": "*test*",
    }
    environment = ENVIRONMENT | settings
    for wired in (bootstrap(environment).turns, bootstrap_discovery(environment)):
        assert wired.discovery is not None
        search = wired.discovery.begin("default")
        assert search.lookback == 23 * DAYS
        assert search.names == Names(("news*", "shop*"), ("*test*",))


def test_turns_search_for_new_sends_unless_the_setting_says_otherwise() -> None:
    assert bootstrap(ENVIRONMENT).turns.discovery is not None
    assert bootstrap(ENVIRONMENT | {"DISCOVERY": "DISABLED"}).turns.discovery is None


def test_requests_go_through_the_proxy_that_the_environment_names() -> None:
    environment = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "CONSTANT_CONTACT_API_URL": "https://vendor.example",
    }
    now = datetime.now(UTC)
    held = Held(Tokens(client_id="id", refresh_token="r", access_token="a", expires_at=now + DAYS))
    api = bootstrap(ENVIRONMENT | environment).connect("default", Budget(1), held)
    with pytest.raises(ReportUnavailable, match="the connection to the proxy failed"):
        api.reply("/v3", now + MINUTES)


def test_certificates_that_the_environment_names_are_read_before_the_first_request() -> None:
    with pytest.raises(InvalidSettings, match="/nowhere cannot be used"):
        bootstrap(ENVIRONMENT | {"SSL_CERT_FILE": "/nowhere"})
