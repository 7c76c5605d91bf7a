"""The page of commands, which is written from the command line."""

from typing import Annotated

import pytest
import typer

import command_reference
from command_reference import PAGE, reference


def test_the_page_is_what_the_command_line_says() -> None:
    assert PAGE.read_text() == reference(), "Run: make commands"


class TestSection:
    @pytest.fixture(autouse=True)
    def app(self, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
        app = typer.Typer(epilog="Exit codes.")
        inner = typer.Typer()
        app.add_typer(inner, name="group")
        monkeypatch.setattr(command_reference, "app", app)

        @app.command()
        def first(
            ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids | names.")],
            count: Annotated[int, typer.Option(metavar="N", help="How many.")] = 3,
            *,
            to: Annotated[str, typer.Option(metavar="URL|ARN")],
            device: Annotated[list[str] | None, typer.Option(metavar="TYPE", help="One.")] = None,
            yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
            since: Annotated[str, typer.Option("--since", "--from", "-s", metavar="DAY")] = "now",
        ) -> None:
            """Do the first thing. Then more.

            A second paragraph.
            """

        @inner.command(hidden=True)
        def hidden() -> None:
            """Do nothing."""

        @inner.command()
        def second(account: Annotated[str, typer.Argument(metavar="ACCOUNT")] = "default") -> None:
            """Do the second thing."""

        return app

    def test_shows_how_a_command_is_typed(self) -> None:
        assert "\nemail-opens first ID… --to URL|ARN [OPTIONS]\n" in reference()

    def test_shows_an_argument_that_may_be_left_out(self) -> None:
        assert "\nemail-opens group second [ACCOUNT]\n" in reference()

    def test_states_the_default_of_an_option(self) -> None:
        assert "| `--count N` | How many. | `3` |" in reference()

    def test_states_that_an_option_may_be_repeated(self) -> None:
        assert "| `--device TYPE` | One. May be repeated. |  |" in reference()

    def test_has_no_value_for_a_switch(self) -> None:
        assert "| `--yes` | Do it. |  |" in reference()

    def test_shows_one_of_the_names_of_an_option_and_its_letter(self) -> None:
        assert "| `--since, -s DAY` |" in reference()

    def test_writes_a_bar_so_that_it_does_not_end_the_cell(self) -> None:
        assert "| `ID…` | Ids \\| names. | required |" in reference()
        assert "| `--to URL\\|ARN` |  | required |" in reference()

    def test_has_a_line_for_each_sentence_and_keeps_paragraphs(self) -> None:
        assert "\nDo the first thing.\nThen more.\n\nA second paragraph.\n" in reference()

    def test_is_linked_in_the_summary(self) -> None:
        assert "| [`group second`](#group-second) | Do the second thing. |" in reference()

    def test_is_left_out_for_a_hidden_command(self) -> None:
        assert "Do nothing" not in reference()
