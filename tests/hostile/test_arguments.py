"""Every command line that a person may type is accepted, or refused with a sentence."""

from collections.abc import Iterator
from typing import Any

import typer
from hypothesis import given
from hypothesis import strategies as st

from email_opens.errors import InvalidInput
from email_opens_cli.main import app
from tests.hostile.values import instants_as_text, numbers_as_text, refusal, texts

LONGEST_MESSAGE = 2_000
REFUSALS = typer.BadParameter.__mro__[:3]
"""What typer prints as a sentence: it has no public name for all of them."""


def commands(group: Any, context: Any) -> Iterator[Any]:
    """Yield every command, also those of groups."""
    for name in group.list_commands(context):
        _, command, _ = group.resolve_command(context, [name])
        if hasattr(command, "list_commands"):
            inner = command.make_context(name, [], parent=context, resilient_parsing=True)
            yield from commands(command, inner)
        else:
            yield command


GROUP = typer.main.get_command(app)
COMMANDS = list(commands(GROUP, GROUP.make_context("email-opens", [], resilient_parsing=True)))
# An operating system accepts no other arguments.
words = (texts | instants_as_text | numbers_as_text).filter(lambda word: "\x00" not in word)


@st.composite
def command_lines(draw: st.DrawFn) -> tuple[Any, list[str]]:
    """Return a command, and words: its own options with any values, and anything else."""
    command = draw(st.sampled_from(COMMANDS))
    options = [name for one in command.params for name in (*one.opts, *one.secondary_opts)]
    given_options = st.sampled_from([name for name in options if name.startswith("-")] or ["--x"])
    word = st.one_of(
        words,
        given_options,
        st.builds(lambda name, value: f"{name}={value}", given_options, words),
    )
    return command, draw(st.lists(word, max_size=8))


@given(command_lines())
def test_any_command_line_is_parsed_or_refused_with_a_sentence(
    line: tuple[Any, list[str]],
) -> None:
    command, arguments = line
    error = refusal(Exception, lambda: command.make_context("email-opens", list(arguments)))
    # `--help` ends with Exit.
    assert error is None or isinstance(error, (InvalidInput, *REFUSALS, typer.Exit))
    assert not isinstance(error, InvalidInput) or 0 < len(str(error)) < LONGEST_MESSAGE


def test_every_command_is_among_them() -> None:
    assert len(COMMANDS) > 20
    assert {"status", "watch", "connect"} <= {command.name for command in COMMANDS}
