import pytest
from botocore.exceptions import ClientError

from email_opens.errors import unforeseen
from email_opens.instants import utc


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_the_message_names_the_error_without_its_text() -> None:
    message = unforeseen(raised(KeyError("ann@example.org")))
    assert message.startswith("Unexpected KeyError at test_errors.py:")
    assert "ann" not in message


def test_the_message_names_an_aws_error_by_its_code() -> None:
    refused = ClientError({"Error": {"Code": "Throttling", "Message": "ann"}}, "PutItem")
    assert unforeseen(raised(refused)).startswith("Unexpected Throttling at ")


def test_the_message_names_the_last_line_of_email_opens_that_the_error_passed() -> None:
    with pytest.raises(ValueError, match="isoformat") as caught:
        utc("yesterday")
    assert " at instants.py:" in unforeseen(caught.value)


def test_an_error_that_was_never_raised_has_an_unknown_place() -> None:
    assert unforeseen(KeyError()) == "Unexpected KeyError at an unknown place."
