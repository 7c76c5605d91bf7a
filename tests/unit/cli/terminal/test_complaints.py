"""What AWS, or whatever answers in its place, makes of a command: a sentence and an exit code."""

import pytest

from email_opens_cli.terminal.complaints import of_aws
from tests.unit.adapters.vendor.sockets import raw, stub
from tests.unit.cli.world import complaint, run

COMMANDS = [("doctor",), ("status",), ("tail",)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "body",
    [b"<html>Log in</html>", b'{"login": true}', b"<html><a>", b""],
    ids=["HTML", "JSON", "broken XML", "nothing"],
)
def test_a_reply_that_is_not_of_aws_is_reported_in_a_sentence(
    command: tuple[str, ...], body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stub(*[raw(200, body)] * 5) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        message = complaint(run(*command, "--stack", "mine"), 1)
    assert message.startswith("boto3 could not send the request to AWS, or could not read")
    assert "check AWS_ENDPOINT_URL and the proxy settings" in message
    assert "Log in" not in message


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_endpoint_that_is_no_url_is_reported_in_a_sentence(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nowhere")
    message = complaint(run(*command, "--stack", "mine"), 1)
    assert "check AWS_ENDPOINT_URL and the proxy settings" in message


def test_an_endpoint_that_nothing_listens_on_is_reported_with_what_to_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    message = complaint(run("status", "--stack", "mine"), 1)
    assert message.startswith("AWS does not answer")
    assert message.endswith("Check the network, the proxy settings, and AWS_REGION.\n")


def test_an_error_of_other_code_is_not_one_of_aws() -> None:
    with pytest.raises(ValueError, match="ours") as caught:
        int("ours")
    assert of_aws(caught.value) is None
