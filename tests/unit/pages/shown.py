"""The pages of the documentation, and the commands that they show."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.integration.deployment import ROOT

GENERATED = ROOT / "docs" / "commands.md"
CHANGELOG = ROOT / "CHANGELOG.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NOT_TRIED: dict[str, str] = tomllib.loads((Path(__file__).parent / "not_tried.toml").read_text())[
    "commands"
]
"""How a command begins that no test tries, and why."""
PROGRAMS = ("email-opens", "constant-contact-emulator", "make", "aws", "python")
"""What a command in the text begins with; in a block of shell commands, anything."""

_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_HEREDOC = re.compile(r"<<'(\w+)'\n.*?^\s*\1$", re.MULTILINE | re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
"""Before a command: a variable of its environment."""
_ENDS = {"|", "||", "&&", ";", "&"}
_REDIRECTS = {">", ">>", "<"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A command in a page."""

    page: Path
    words: tuple[str, ...]
    in_block: bool

    def __str__(self) -> str:
        return f"{self.page.name}: {shlex.join(self.words)}"

    @property
    def program(self) -> str:
        return self.words[0]

    @property
    def is_a_name(self) -> bool:
        """Whether it is only the name of a command in a sentence."""
        return not self.in_block and len(self.words) <= 2 and not self.words[-1].startswith("-")

    @property
    def not_tried(self) -> str | None:
        """The reason why no test tries it."""
        line = f"{' '.join(self.words)} "
        for beginning, reason in NOT_TRIED.items():
            if line.startswith(f"{beginning} "):
                return reason
        return None


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language, without the indentation of a list."""
    return [
        re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
        for indent, found, body in _FENCED.findall(text)
        if found == language
    ]


def prose(text: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCED.sub("", text)


def commands_of(page: Path) -> list[Shown]:
    """Return the commands of a page in their order, those of blocks first."""
    text = page.read_text()
    in_blocks = [
        Shown(page, words, in_block=True)
        for block in blocks(text, "sh")
        for words in _commands(_HEREDOC.sub("", block))
    ]
    inline = [
        Shown(page, words, in_block=False)
        for span in _INLINE.findall(prose(text))
        if _begins_with_a_program(span)
        for words in _commands(span)
    ]
    return in_blocks + inline


def _begins_with_a_program(span: str) -> bool:
    program, _, arguments = span.removeprefix(".venv/bin/").partition(" ")
    return program in PROGRAMS and bool(arguments)


def _commands(block: str) -> Iterator[tuple[str, ...]]:
    """Yield the commands of shell code: no redirections, variables or folder of a program."""
    for tokens in _lines(block.replace("\\\n", " ")):
        words: list[str] = []
        skip = False
        for token in [*tokens, ";"]:
            if token in _ENDS:
                while words and _ASSIGNMENT.match(words[0]):
                    del words[0]
                if words:
                    yield (words[0].removeprefix(".venv/bin/"), *words[1:])
                words = []
            elif token in _REDIRECTS or skip:
                skip = token in _REDIRECTS
            else:
                words.append(token)


def _lines(block: str) -> Iterator[list[str]]:
    """Yield the tokens of each line; a quoted text may go on in the next line."""
    unfinished = ""
    for line in block.splitlines():
        lexer = shlex.shlex(unfinished + line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            tokens = list(lexer)
        except ValueError:
            unfinished += f"{line}\n"
            continue
        unfinished = ""
        yield tokens
    if unfinished:
        raise ValueError(f"There is no closing quotation in {unfinished!r}.")


TEXTS = [page for page in PAGES if page not in {GENERATED, CHANGELOG}]
SHOWN = [shown for page in TEXTS for shown in commands_of(page)]
TRIED = [shown for shown in SHOWN if shown.not_tried is None]


def shown_by(program: str) -> list[Shown]:
    """Return a program's commands that are tried, each once."""
    found = [shown for shown in TRIED if shown.program == program]
    return list({(shown.words, shown.is_a_name): shown for shown in found}.values())
