"""The command line prints in one place, which makes safe text of what comes from outside."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import email_opens_cli

ROOT = Path(email_opens_cli.__file__).parent
PRINTS = ROOT / "terminal"
QR_CODE = ROOT / "consent" / "qr_code.py"
"""Draws blocks, and no text from outside."""
MODULES = [path for path in ROOT.rglob("*.py") if PRINTS not in path.parents and path != QR_CODE]
HARMLESS = {"rich.status"}


def bypasses(tree: ast.AST) -> Iterator[str]:
    """Yield what prints without `terminal`, or makes text for rich."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="print")):
                yield "print"
            case ast.Call(func=ast.Attribute(attr="echo" | "secho" as name)):
                yield name
            case ast.Call(
                func=ast.Attribute(attr="write", value=ast.Attribute(value=ast.Name(id="sys")))
            ):
                yield "sys.….write"
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "rich":
                yield module
            case ast.Import(names=names):
                yield from (alias.name for alias in names if alias.name.split(".")[0] == "rich")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_command_prints_by_itself(path: Path) -> None:
    assert set(bypasses(ast.parse(path.read_text()))) <= HARMLESS


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "typer.echo(1)",
        "sys.stderr.write('')",
        "from rich.text import Text",
        "import rich.console",
    ],
)
def test_what_prints_by_itself_is_noticed(source: str) -> None:
    assert list(bypasses(ast.parse(source)))
