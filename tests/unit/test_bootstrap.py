"""Every setting reaches the part of the product that it is about."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from email_opens.bootstrap import bootstrap, bootstrap_discovery
from email_opens.discovery.selection import Names
from email_opens.turns.budget import Budget

ENVIRONMENT = {
    "TRACKING_TABLE": "tracking",
    "LEDGER_TABLE": "ledger",
    "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:opens",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
    "CREDENTIALS_PREFIX": "/email-opens/",
}
DAYS = timedelta(days=1)
MINUTES = timedelta(minutes=1)
SECONDS = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("name", "value", "read", "expected"),
    [
        ("ROUNDS_SECONDS", "23", lambda product: product.settings.stay, 23 * SECONDS),
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


def test_the_settings_of_discovery_reach_the_search() -> None:
    settings = {
        "DISCOVERY_LOOKBACK_DAYS": "23",
        "INCLUDE_NAMES": "news*, shop*",
        "EXCLUDE_NAMES": "*test*",
    }
    discovery = bootstrap_discovery(ENVIRONMENT | settings).discovery
    assert discovery.lookback == 23 * DAYS
    assert discovery.names == Names(("news*", "shop*"), ("*test*",))
