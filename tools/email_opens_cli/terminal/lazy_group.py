"""A group of commands that are imported when they run: its help and completion need none."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from shutil import get_terminal_size
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

_LINE_BREAK = re.compile(r"(?<!\n)\n(?!\n)")
"""Within a paragraph of a docstring, which is wrapped for the terminal instead."""
_FRAMED_FROM = 80
"""Columns of a terminal from which help is a table in a frame, which cuts long words in a narrower
one."""
INDENT = 2
"""Spaces before a name, and between it and its summary."""


class Lazy(NamedTuple):
    """A command that is not imported yet."""

    path: str
    """`package.module:name` of a function, or of a `Typer` with commands of its own."""
    summary: str
    """How its own help begins."""


class LazyGroup(TyperGroup):
    """A group whose subclass lists its commands."""

    sections: ClassVar[Mapping[str, Mapping[str, Lazy]]]
    """The commands by name, under headings."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, lazy in self.lazy().items():
            self.commands[name] = TyperCommand(name, help=lazy.summary)

    @classmethod
    def lazy(cls) -> dict[str, Lazy]:
        return {name: lazy for section in cls.sections.values() for name, lazy in section.items()}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if not ctx.resilient_parsing:  # as while a shell completes a name
            self._import(cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self._import(args[0])
        return super().resolve_command(ctx, args)

    def _import(self, name: str) -> None:
        lazy = self.lazy().get(name)
        if lazy is not None:
            self.commands[name] = load(name, lazy)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        # Typer's help takes longer than all else: it imports a Markdown parser and a highlighter.
        from rich.padding import Padding  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        from email_opens_cli.terminal.console import TextConsole, styled  # noqa: PLC0415

        del formatter
        screen = TextConsole()
        usage = " ".join(self.collect_usage_pieces(ctx))
        screen.print(styled(("Usage: ", "bold"), (f"{ctx.command_path} {usage}", "")))
        screen.line()
        screen.print(self.help or "")
        sections = dict(self._sections())
        widest = max(len(name) for section in sections.values() for name in section)
        for heading, section in sections.items():
            rows = Table.grid(padding=(0, INDENT, 0, 0))
            rows.add_column(style="cyan", min_width=widest, no_wrap=True)
            rows.add_column()
            for name, summary in section.items():
                rows.add_row(name, summary)
            screen.line()
            screen.print(styled((heading, "bold")))
            screen.print(Padding.indent(rows, INDENT))
        screen.line()
        screen.print(self.epilog or "")

    def _sections(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Yield the headings, each with the names below it and what they do."""
        for heading, section in self.sections.items():
            yield heading, {name: lazy.summary for name, lazy in section.items()}
        options = [option for option in self.params if isinstance(option, TyperOption)]
        described = {option.opts[0]: option.help or "" for option in options}
        yield "Options", described | {"--help": "Show this message and exit."}


def load(name: str, lazy: Lazy) -> Any:
    """Import a command, or a group of commands."""
    module, _, attribute = lazy.path.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        command = typer.main.get_command(alone)
    command.name = name
    width = get_terminal_size().columns
    for each in (command, *getattr(command, "commands", {}).values()):
        each.help = _LINE_BREAK.sub(" ", each.help or "")
        for parameter in each.params:
            if isinstance(parameter, TyperArgument) and parameter.required:
                # Typer would put it in braces in the line of the usage.
                parameter.make_metavar = partial(_metavar, parameter.metavar)  # type: ignore[method-assign]
        if width < _FRAMED_FROM and not isinstance(each, TyperGroup):
            each.rich_markup_mode = None
            each.context_settings["terminal_width"] = width
            each.context_class = _narrow(each.context_class)
    return command


def _narrow(context: Any) -> Any:
    """Return a context whose help has descriptions below the names of options, not beside them."""

    class Formatter(context.formatter_class):  # type: ignore[misc]
        def write_dl(self, rows: Any, col_max: int = 4, col_spacing: int = 2) -> None:
            super().write_dl(rows, col_max, col_spacing)

    class Context(context):  # type: ignore[misc]
        formatter_class = Formatter

    return Context


def _metavar(metavar: str | None, ctx: Any, *, usage: bool = False) -> str:
    del ctx, usage
    return metavar or ""
