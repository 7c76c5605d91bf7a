"""Write docs/commands.md from the command line itself: `make commands`."""

import re
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import typer

from constant_contact_emulator.__main__ import parser as emulator_parser
from email_opens_cli.main import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
PROGRAM = "email-opens"
EMULATOR = "constant-contact-emulator"
EMULATOR_COLUMNS = 96
INTRODUCTION = """\
# Commands

<!-- Do not edit: `make commands` writes this page from the command line. -->

`email-opens COMMAND --help` prints the same text.
[Getting started](getting-started.md) shows the commands in the order in which you need them.
The [glossary](how-it-works.md#glossary) explains words such as *turn* and *ledger*.
"""
_NOT_LISTED = {"--help", "--install-completion", "--show-completion"}
_SENTENCE_END = re.compile(r"(?<=[.:;]) (?=[A-Z`{\[])")


def reference() -> str:
    """Return the page."""
    group = typer.main.get_command(app)
    context = group.make_context(PROGRAM, [], resilient_parsing=True)
    found = dict(_commands(group, context))
    parts = [INTRODUCTION, *_summary(found), *_own_options(group)]
    for name, command in found.items():
        parts += _section(name, command)
    return "\n".join([*parts, *_emulator()])


def _commands(group: Any, context: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the commands by what a person types, those of a group after the group."""
    for name in group.list_commands(context):
        # A command may be imported only when it is resolved.
        _, command, _ = group.resolve_command(context, [name])
        if command.hidden:
            continue
        typed = f"{before}{name}"
        if hasattr(command, "list_commands"):
            inner = command.make_context(name, [], parent=context, resilient_parsing=True)
            yield from _commands(command, inner, f"{typed} ")
        else:
            yield typed, command


def _summary(found: Mapping[str, Any]) -> Iterator[str]:
    yield "| command | what it does |"
    yield "|---|---|"
    for name, command in found.items():
        yield f"| [`{name}`](#{name.replace(' ', '-')}) | {_cell(_paragraphs(command.help)[0])} |"
    yield f"| [`{EMULATOR}`](#{EMULATOR}) | {emulator_parser().description} |"
    yield ""


def _own_options(group: Any) -> Iterator[str]:
    listed = [parameter for parameter in group.params if parameter.opts[0] not in _NOT_LISTED]
    if listed:
        yield "Options of the program itself, without a command:"
        yield ""
        yield from _table(listed)
    for paragraph in _paragraphs(group.epilog):
        yield _SENTENCE_END.sub("\n", paragraph)
        yield ""


def _section(name: str, command: Any) -> Iterator[str]:
    parameters = [p for p in command.params if not set(p.opts) & _NOT_LISTED]
    yield f"## {name}"
    yield ""
    yield "```text"
    yield " ".join([PROGRAM, name, *_usage(parameters)])
    yield "```"
    yield ""
    for paragraph in _paragraphs(command.help):
        yield _SENTENCE_END.sub("\n", paragraph)
        yield ""
    yield from _table(parameters)


def _emulator() -> Iterator[str]:
    parser = emulator_parser()
    parser.formatter_class = partial(RawDescriptionHelpFormatter, width=EMULATOR_COLUMNS)
    yield f"## {EMULATOR}"
    yield ""
    yield "This second program serves the vendor's API on this machine, for trials and tests."
    yield ""
    yield "```text"
    yield parser.format_help().rstrip()
    yield "```"
    yield ""


def _usage(parameters: Sequence[Any]) -> Iterator[str]:
    """Yield the arguments, the required options, and a hint at the others."""
    for parameter in parameters:
        if not _is_option(parameter):
            yield _argument(parameter)
    for parameter in parameters:
        if _is_option(parameter) and parameter.required:
            yield f"{_switch(parameter)} {_value(parameter)}"
    if any(_is_option(parameter) and not parameter.required for parameter in parameters):
        yield "[OPTIONS]"


def _table(parameters: Sequence[Any]) -> Iterator[str]:
    if not parameters:
        return
    yield "| argument or option | meaning | default |"
    yield "|---|---|---|"
    for parameter in sorted(parameters, key=_is_option):
        typed = _argument(parameter)
        if _is_option(parameter):
            typed = f"{_switch(parameter)} {_value(parameter)}".strip()
        typed = typed.replace("|", "\\|")
        yield f"| `{typed}` | {_cell(_meaning(parameter))} | {_cell(_default(parameter))} |"
    yield ""


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _argument(parameter: Any) -> str:
    name = re.sub(r"[\[\].…]", "", parameter.metavar or str(parameter.name).upper())
    repeated = f"{name}…" if parameter.nargs == -1 else name
    return repeated if parameter.required else f"[{repeated}]"


def _switch(parameter: Any) -> str:
    """Return an option's first name, and its letter if it has one."""
    first, *others = parameter.opts
    return ", ".join([first, *(name for name in others if not name.startswith("--"))])


def _value(parameter: Any) -> str:
    """Return what follows an option: nothing, its choices, or the name of a value."""
    if parameter.is_flag:
        return ""
    choices = getattr(parameter.type, "choices", ())
    if choices:
        return "|".join(_plain(choice) for choice in choices)
    return str(parameter.metavar or "N")


def _meaning(parameter: Any) -> str:
    meaning = parameter.help or ""
    if parameter.multiple:
        meaning += " May be repeated."
    if parameter.envvar:
        meaning += f" Also read from `{parameter.envvar}`."
    return meaning.strip()


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    if default is None or isinstance(default, (bool, tuple, list)) or callable(default):
        return ""
    return f"`{_plain(default)}`"


def _plain(value: object) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)


def _paragraphs(text: str | None) -> list[str]:
    """Return the paragraphs of a help text, each on one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text or "") if part.strip()]


def _cell(text: str) -> str:
    """Return a text as Markdown shows it in a cell of a table."""
    return re.sub(r"(?<!`)([|*])(?!`)", r"\\\1", text)


if __name__ == "__main__":
    PAGE.write_text(reference())
