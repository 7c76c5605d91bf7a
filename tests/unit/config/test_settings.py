"""Settings and events are read, or refused with a message that names the fault."""

from datetime import timedelta

import pytest

from email_opens.config.network import Network
from email_opens.config.settings import scheduled_account_id
from email_opens.config.stack import Monitoring, StackSettings, read_settings
from email_opens.errors import InvalidInput, InvalidSettings
from email_opens.model import ContactDetails

ENVIRONMENT = {
    "TRACKING_TABLE": "tracking",
    "LEDGER_TABLE": "ledger",
    "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:000000000000:opens",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/000000000000/dead-letters",
    "WAKE_UPS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/000000000000/wake-ups",
    "CREDENTIALS_PREFIX": "/email-opens/",
}
SETTINGS = StackSettings(
    tracking_table="tracking",
    ledger_table="ledger",
    opens_topic_arn="arn:aws:sns:eu-west-1:000000000000:opens",
    dead_letter_queue_url="https://sqs.eu-west-1.amazonaws.com/000000000000/dead-letters",
    wake_ups_queue_url="https://sqs.eu-west-1.amazonaws.com/000000000000/wake-ups",
    credentials_prefix="/email-opens/",
    constant_contact_api_url="https://api.cc.email",
    constant_contact_auth_url="https://authz.constantcontact.com/oauth2/default/v1",
    requests_per_day=10_000,
    requests_per_second=4,
    reserved_percent=10,
    campaigns_per_probe=150,
    finished_after=timedelta(days=60),
    lookback=timedelta(hours=2),
    discovery_lookback=timedelta(days=7),
    include_names=("*",),
    exclude_names=(),
    contact_details=ContactDetails.FULL,
    discovery=True,
    first_opens=True,
    monitoring=Monitoring.BASIC,
    stack_name=None,
    account_id="default",
)
MOST = 10_000_000
NUMBERS = (
    "REQUESTS_PER_DAY",
    "REQUESTS_PER_SECOND",
    "CAMPAIGNS_PER_PROBE",
    "FINISHED_AFTER_DAYS",
    "LOOKBACK_MINUTES",
)
URLS = ("CONSTANT_CONTACT_API_URL", "CONSTANT_CONTACT_AUTH_URL")


def read(**changed: str) -> StackSettings:
    return read_settings(ENVIRONMENT | changed)


def complaint(**changed: str) -> str:
    with pytest.raises(InvalidSettings) as refused:
        read(**changed)
    return str(refused.value)


def test_what_has_a_default_need_not_be_set() -> None:
    assert read() == SETTINGS


def test_everything_can_be_set() -> None:
    settings = read(
        CONSTANT_CONTACT_API_URL="https://api.example",
        CONSTANT_CONTACT_AUTH_URL="https://auth.example/v1",
        REQUESTS_PER_DAY="250000",
        REQUESTS_PER_SECOND="10",
        LOOKBACK_MINUTES="60",
        CONTACT_DETAILS="Hashed",
        FIRST_OPENS="disabled",
        MONITORING="Full",
        STACK_NAME="mine",
    )
    assert (
        settings.constant_contact_api_url,
        settings.constant_contact_auth_url,
        settings.requests_per_day,
        settings.requests_per_second,
        settings.lookback,
        settings.contact_details,
        settings.first_opens,
        settings.monitoring,
        settings.stack_name,
    ) == (
        "https://api.example",
        "https://auth.example/v1",
        250_000,
        10,
        timedelta(hours=1),
        ContactDetails.HASHED,
        False,
        Monitoring.FULL,
        "mine",
    )


@pytest.mark.parametrize("name", ENVIRONMENT)
@pytest.mark.parametrize("blank", ["", "  "])
def test_a_setting_that_is_missing_is_named(name: str, blank: str) -> None:
    assert f"{name} is not set; it should be " in complaint(**{name: blank})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENS_TOPIC_ARN", "opens"),
        ("DEAD_LETTER_QUEUE_URL", "dead-letters"),
        ("WAKE_UPS_QUEUE_URL", "wake-ups"),
        ("CREDENTIALS_PREFIX", "email-opens/"),
        *((name, value) for name in NUMBERS for value in ("", "0", "-1", "1.5", "ten", "²")),
        *((name, str(MOST + 1)) for name in NUMBERS),
        *((name, "9" * 5000) for name in NUMBERS),
        *((name, "0000000001" + "9" * 20) for name in NUMBERS),
        *((name, value) for name in URLS for value in ("", "api.cc.email", "https://")),
        *((name, "http://api.cc.email") for name in URLS),
        *((name, "ftp://localhost") for name in URLS),
        ("CONTACT_DETAILS", "all"),
        ("MONITORING", "some"),
        ("FIRST_OPENS", "yes"),
        *((name, "https://[::1") for name in URLS),
    ],
)
def test_a_setting_that_is_malformed_is_named(name: str, value: str) -> None:
    assert f"{name} is malformed; it should be " in complaint(**{name: value})


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as refused:
        read_settings({})
    assert str(refused.value) == (
        "The settings cannot be used: "
        "TRACKING_TABLE is not set; it should be the name of the tracking table; "
        "CREDENTIALS_PREFIX is not set; it should be a parameter's name down to the account, "
        "such as /email-opens/; "
        "LEDGER_TABLE is not set; it should be the name of the ledger table; "
        "OPENS_TOPIC_ARN is not set; it should be the ARN of the topic, arn:…:sns:…; "
        "DEAD_LETTER_QUEUE_URL is not set; it should be the URL of the dead-letter queue; "
        "WAKE_UPS_QUEUE_URL is not set; it should be the URL of the queue of wake-ups."
    )


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("REQUESTS_PER_DAY", "requests"),
        ("REQUESTS_PER_SECOND", "requests"),
        ("LOOKBACK_MINUTES", "minutes"),
    ],
)
def test_a_number_that_is_malformed_is_named_with_its_unit(name: str, unit: str) -> None:
    assert complaint(**{name: "many"}) == (
        f"The settings cannot be used: {name} is malformed; "
        f"it should be a whole number of {unit}, 1 or more."
    )


@pytest.mark.parametrize(
    ("name", "unit", "least", "most"),
    [
        ("RESERVED_PERCENT", "percent", 0, 90),
        ("CAMPAIGNS_PER_PROBE", "campaigns", 1, 150),
        ("FINISHED_AFTER_DAYS", "days", 1, 365),
    ],
)
def test_a_number_beyond_its_bounds_is_named_with_them(
    name: str, unit: str, least: int, most: int
) -> None:
    assert complaint(**{name: str(most + 1)}) == (
        f"The settings cannot be used: {name} is malformed; "
        f"it should be a whole number of {unit}, {least} to {most}."
    )


@pytest.mark.parametrize(
    ("per_day", "percent", "to_spend"),
    [("10000", "10", 9000), ("10000", "0", 10_000), ("101", "10", 90), ("1", "90", 1)],
)
def test_what_is_reserved_for_others_is_not_spent(
    per_day: str, percent: str, to_spend: int
) -> None:
    settings = read(REQUESTS_PER_DAY=per_day, RESERVED_PERCENT=percent)
    assert settings.requests_to_spend == to_spend


def test_the_smallest_number_is_taken() -> None:
    assert read(REQUESTS_PER_DAY="1").requests_per_day == 1


def test_the_largest_number_is_taken() -> None:
    assert read(REQUESTS_PER_DAY=str(MOST)).requests_per_day == MOST


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1:8080"])
def test_a_trial_on_this_machine_may_do_without_encryption(url: str) -> None:
    assert read(CONSTANT_CONTACT_API_URL=url).constant_contact_api_url == url


def test_blanks_and_a_last_slash_are_passed_over() -> None:
    settings = read(TRACKING_TABLE=" t ", CONSTANT_CONTACT_API_URL=" https://a.example/X/ ")
    assert (settings.tracking_table, settings.constant_contact_api_url) == (
        "t",
        "https://a.example/X",
    )


def test_a_scheduled_event_names_its_account() -> None:
    assert scheduled_account_id({"account_id": "acme"}) == "acme"


@pytest.mark.parametrize(
    "event",
    [None, [], "default", {}, {"account_id": ""}, {"account_id": " "}, {"account_id": 7}],
    ids=repr,
)
def test_an_event_that_names_no_account_is_refused(event: object) -> None:
    with pytest.raises(InvalidInput, match="The event names no account"):
        scheduled_account_id(event)


def test_an_event_with_a_malformed_account_id_is_refused_without_repeating_it() -> None:
    with pytest.raises(InvalidInput) as refused:
        scheduled_account_id({"account_id": "ann@example.org"})
    assert "ann@example.org" not in str(refused.value)


class TestTheNetwork:
    @pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
    def test_has_the_proxy_of_the_environment(self, name: str) -> None:
        assert read(**{name: "http://proxy.example:3128"}).network.proxy == (
            "http://proxy.example:3128"
        )

    def test_prefers_the_variable_in_lower_case_as_other_programs_do(self) -> None:
        network = read(HTTPS_PROXY="http://a.example", https_proxy="http://b.example").network
        assert network.proxy == "http://b.example"

    def test_ignores_a_variable_that_is_empty(self) -> None:
        network = read(HTTPS_PROXY="http://a.example", https_proxy="", NO_PROXY="").network
        assert network == Network(proxy="http://a.example")

    def test_takes_a_proxy_without_a_scheme_as_http(self) -> None:
        assert read(HTTPS_PROXY="proxy.example:3128").network.proxy == "http://proxy.example:3128"

    @pytest.mark.parametrize(
        "address",
        [
            "socks5://proxy.example",
            "https://proxy.example",
            "http://",
            "http://proxy.example:port",
            "http://proxy.example/path",
            "http://[proxy",
            "http://proxy.example/?password",
        ],
    )
    def test_refuses_other_proxies_without_repeating_them(self, address: str) -> None:
        assert complaint(HTTPS_PROXY=address) == (
            "The settings cannot be used: HTTPS_PROXY is malformed; it should be an address such "
            "as http://proxy.example:3128."
        )

    def test_has_the_certificates_of_requests_before_those_of_openssl(self) -> None:
        both = {"SSL_CERT_FILE": "/openssl.pem", "REQUESTS_CA_BUNDLE": "/requests.pem"}
        assert read(**both).network.certificates == "/requests.pem"
        assert read(SSL_CERT_FILE="/openssl.pem").network.certificates == "/openssl.pem"

    def test_shows_no_password(self) -> None:
        settings = read(HTTPS_PROXY="http://user:secret@proxy.example")
        assert "secret" not in f"{settings} {settings.network}"
