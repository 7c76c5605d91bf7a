"""Every command in a page exists, with these arguments and options, or is listed as not tried."""

import re
from importlib.util import find_spec
from typing import Any

import boto3
import pytest
import typer
from botocore import xform_name

from constant_contact_emulator.__main__ import parser as emulator_parser
from email_opens_cli.main import app
from tests.integration.deployment import ROOT
from tests.unit.pages.shown import NOT_TRIED, SHOWN, TRIED, Shown, shown_by

SHELL = {"export", "cd", "cat", "sleep"}
CHECKED = {"email-opens", "constant-contact-emulator", "make", "aws", "python"} | SHELL
MEANT = {"URL": "https://example.com/opens"}
"""Words of the pages that stand for values which a command checks at once."""
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([\w./-]+):", MAKEFILE, re.MULTILINE))
AWS: Any = boto3.Session()


def parse(words: tuple[str, ...], *, only_its_name: bool = False) -> None:
    """Parse a command of `email-opens` without running it; raise if it is wrong."""
    command: Any = typer.main.get_command(app)
    if words[0] in {option for parameter in command.params for option in parameter.opts}:
        return
    context, left = None, list(words)
    while hasattr(command, "list_commands"):
        context = command.make_context(command.name, [], parent=context, resilient_parsing=True)
        name = left[0]
        _, command, left = command.resolve_command(context, left)
        if command is None:
            raise ValueError(f"There is no command {name}.")
    if not only_its_name:
        command.make_context(command.name, left, parent=context)


@pytest.mark.parametrize("shown", TRIED, ids=str)
def test_a_command_is_checked_here_or_listed_as_not_tried(shown: Shown) -> None:
    assert shown.program in CHECKED


@pytest.mark.parametrize("beginning", NOT_TRIED)
def test_a_command_that_is_listed_as_not_tried_is_shown_somewhere(beginning: str) -> None:
    assert any(f"{' '.join(shown.words)} ".startswith(f"{beginning} ") for shown in SHOWN)


@pytest.mark.parametrize("shown", shown_by("email-opens"), ids=str)
def test_a_command_of_email_opens_is_accepted(shown: Shown) -> None:
    words = tuple(MEANT.get(word, word) for word in shown.words[1:])
    parse(words, only_its_name=shown.is_a_name)


@pytest.mark.parametrize(
    "words",
    [("statu", "x"), ("status", "--stak", "x"), ("watch", "--every", "0", "x"), ("track",)],
)
def test_a_wrong_command_of_email_opens_is_noticed(words: tuple[str, ...]) -> None:
    with pytest.raises(Exception, match=r"no command statu|--stak|--every|Missing parameter"):
        parse(words)


@pytest.mark.parametrize("shown", shown_by("constant-contact-emulator"), ids=str)
def test_a_command_of_the_emulator_is_accepted(shown: Shown) -> None:
    emulator_parser().parse_args(shown.words[1:])


@pytest.mark.parametrize("shown", shown_by("make"), ids=str)
def test_a_target_of_make_and_its_variables_exist(shown: Shown) -> None:
    for word in shown.words[1:]:
        name, assigned, _ = word.partition("=")
        assert f"$({name})" in MAKEFILE if assigned else name in TARGETS


@pytest.mark.parametrize("shown", shown_by("python"), ids=str)
def test_a_module_that_python_runs_exists(shown: Shown) -> None:
    assert shown.words[1] == "-m"
    assert find_spec(shown.words[2]) is not None


@pytest.mark.parametrize("shown", shown_by("aws"), ids=str)
def test_an_operation_of_aws_and_its_options_exist(shown: Shown) -> None:
    _, service, operation, *words = shown.words
    client = AWS.client(service, region_name="eu-west-1")
    if operation == "wait":
        assert words[0].replace("-", "_") in client.waiter_names
        return
    name = client.meta.method_to_api_mapping[operation.replace("-", "_")]
    shape = client.meta.service_model.operation_model(name).input_shape
    members = shape.members if shape else {}
    options = {f"--{xform_name(member, '-')}" for member in members}
    # The AWS CLI switches a boolean off by an option of its own.
    options |= {
        f"--no-{xform_name(name, '-')}"
        for name, member in members.items()
        if member.type_name == "boolean"
    }
    assert {word for word in words if word.startswith("--")} - options == set()
