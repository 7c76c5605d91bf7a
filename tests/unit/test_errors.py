import pytest
from botocore.exceptions import ClientError

from email_opens.errors import unforeseen
from email_opens.instants import utc


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_an_error_is_named_without_its_own_words() -> None:
    said = unforeseen(raised(KeyError("ann@example.org")))
    assert said.startswith("Unexpected KeyError at test_errors.py:")
    assert "ann" not in said


def test_an_error_of_aws_is_named_by_its_code() -> None:
    refused = ClientError({"Error": {"Code": "Throttling", "Message": "ann"}}, "PutItem")
    assert unforeseen(raised(refused)).startswith("Unexpected Throttling at ")


def test_an_error_from_deep_down_is_placed_in_our_own_code() -> None:
    with pytest.raises(ValueError, match="isoformat") as caught:
        utc("yesterday")
    assert " at instants.py:" in unforeseen(caught.value)


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert unforeseen(KeyError()) == "Unexpected KeyError at a place unknown."
