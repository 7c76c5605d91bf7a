"""Bad values of options: refused in a sentence, before the command asks AWS for anything."""

import pytest

from email_opens.errors import InvalidInput
from email_opens_cli.arguments.options import whole_number
from tests.unit.cli.world import complaint, run

NOWHERE = ("--stack", "there-is-none")
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/mine"


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a region, any request to AWS ends a command with another sentence."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status", "--account", "a b"], "That is not an account id"),
        (["poll", "--wait", "soon"], "“soon” is not a duration"),
        (["track", "News", "--from", "soon"], "“soon” is not an instant"),
        (["track", "News", "--since", "soon"], "“soon” is not an instant"),
        (["track", "News", "--weight", "heavy"], "“heavy” is not a weight"),
        (["track", "News", "--weight", "0"], "“0” is not a weight"),
        (["replay", "News", "--to", QUEUE, "--since", "soon"], "“soon” is not an instant"),
        (
            ["replay", "News", "--to", QUEUE, "--since", "now", "--until", "soon"],
            "“soon” is not an instant",
        ),
        (["replay", "News", "--to", QUEUE, "--from", "soon"], "“soon” is not an instant"),
        (["replay", "News", "--since", "2h", "--to", "mine"], "“mine” is not a destination"),
        (["tail", "--newer-than", "soon"], "“soon” is not a duration"),
        (["tail", "--count", "0"], "--count needs a whole number of 1 or more, not “0”."),
        (["campaigns", "--last", "all"], "--last needs a whole number from 1 to 500"),
        (["dead-letters", "list", "--most", "-1"], "--most needs a whole number of 1 or more"),
        (["connect", "--port", "70000"], "--port needs a whole number from 0 to 65535"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_value_is_refused_before_the_stack_is_read(
    arguments: list[str], message: str
) -> None:
    assert message in complaint(run(*arguments, *NOWHERE), 2)


@pytest.mark.parametrize("name", ["two words", "-x", "1st", "näme", "x\n"])
def test_what_cannot_be_the_name_of_a_stack_is_refused(name: str) -> None:
    assert "is not the name of a stack" in complaint(run("status", f"--stack={name}"), 2)


@pytest.mark.parametrize(
    "name", ["email-opens", "E2", "arn:aws:cloudformation:eu-west-1:123456789012:stack/x/1b2c"]
)
def test_the_name_or_the_arn_of_a_stack_is_accepted(name: str) -> None:
    assert "No AWS region is set" in complaint(run("poll", "--stack", name), 2)


def test_a_state_file_and_a_stack_are_not_read_at_once() -> None:
    message = complaint(run("status", "--state", "here", "--stack", "there"), 2)
    assert message == "--stack and --state are two places to read: name one of them.\n"


@pytest.mark.parametrize("text", ["", "x", "1.5", "-1", "10", "٣", "9" * 5_000])
def test_what_is_not_a_whole_number_within_the_bounds_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--n needs a whole number from 0 to 9"):
        whole_number("--n", 0, 9)(text)


@pytest.mark.parametrize(("text", "number"), [("0", 0), (" 9 ", 9), (7, 7)])
def test_a_whole_number_is_read(text: str | int, number: int) -> None:
    assert whole_number("--n", 0, 9)(text) == number
