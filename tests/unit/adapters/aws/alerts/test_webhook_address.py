"""The webhook's URL: kept for some minutes, and no error repeats it."""

import pytest
from botocore.exceptions import EndpointConnectionError

from email_opens.adapters.aws.alerts.webhook_address import KEPT, SsmAddress
from email_opens.errors import WebhookUnusable
from tests.conftest import Aws
from tests.contract.replies import Answer, Answers, error, raising
from tests.fakes import FakeClock

NAME = "/alerts/webhook"
URL = "https://hooks.slack.com/services/T0/B0/secret"


@pytest.fixture
def address(aws: Aws, clock: FakeClock) -> SsmAddress:
    store(aws, URL)
    return SsmAddress(aws.ssm, NAME, clock)


def store(aws: Aws, url: str) -> None:
    aws.ssm.put_parameter(Name=NAME, Type="SecureString", Value=url, Overwrite=True)


def test_a_url_may_end_with_a_line_break(aws: Aws, address: SsmAddress) -> None:
    store(aws, f"{URL}\n")
    assert address.read() == URL


def test_a_url_is_kept_for_some_minutes(aws: Aws, address: SsmAddress, clock: FakeClock) -> None:
    address.read()
    store(aws, f"{URL}2")
    clock.sleep(KEPT.total_seconds() - 1)
    assert address.read() == URL
    clock.sleep(1)
    assert address.read() == f"{URL}2"


def test_a_url_is_read_again_when_the_clock_has_jumped_back(
    aws: Aws, address: SsmAddress, clock: FakeClock
) -> None:
    address.read()
    store(aws, f"{URL}2")
    clock.sleep(-3_600)
    assert address.read() == f"{URL}2"


def test_a_url_is_read_again_after_it_was_forgotten(aws: Aws, address: SsmAddress) -> None:
    address.read()
    store(aws, f"{URL}2")
    address.forget()
    assert address.read() == f"{URL}2"


@pytest.mark.parametrize(
    "text",
    ["secret", "http://hooks.slack.com/secret", "https://u:secret@x.org", "https://x/ secret", "x"],
)
def test_what_is_no_url_is_refused_without_being_repeated(
    aws: Aws, address: SsmAddress, text: str
) -> None:
    store(aws, text)
    with pytest.raises(WebhookUnusable, match="does not hold the https URL") as refused:
        address.read()
    assert "secret" not in str(refused.value)
    assert f"--name {NAME} --value URL" in str(refused.value)


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (error("ParameterNotFound"), "(ParameterNotFound): store its URL with `aws ssm put-param"),
        (error("AccessDeniedException"), "allow the function ssm:GetParameter on it"),
        (error("ThrottlingException"), "(ThrottlingException): it is retried."),
        (raising(EndpointConnectionError(endpoint_url="x")), "(EndpointConnectionError): it is"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_explained(
    aws: Aws, address: SsmAddress, fault: Answer, remedy: str
) -> None:
    Answers(aws.ssm, "GetParameter", fault)
    with pytest.raises(WebhookUnusable) as refused:
        address.read()
    assert remedy in str(refused.value)
    assert refused.value.__cause__ is None
