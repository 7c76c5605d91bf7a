"""The stack of a command that names none, and where commands in messages get it from."""

from pathlib import Path

import pytest
import typer

from email_opens_cli.arguments import invocation
from email_opens_cli.arguments.invocation import Invocation
from email_opens_cli.arguments.stack import FILE, Deployed, choose, deployed_from, written
from email_opens_cli.terminal.console import say
from email_opens_cli.terminal.pasted import pasteable


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "TRACKING_TABLE"):
        monkeypatch.delenv(name, raising=False)


def chosen(given: str | None = None) -> Invocation:
    with invocation.begun() as running:
        assert choose(given) == running.stack
        return running


def deployed_here(name: str = "mine", region: str | None = "eu-west-1") -> None:
    Path(FILE).write_text(written(Deployed(name, region)), encoding="utf-8")


class TestChoice:
    def test_is_none_in_a_folder_from_which_nothing_was_deployed(self) -> None:
        assert chosen().stack is None

    def test_is_the_stack_that_was_deployed_from_the_folder(self) -> None:
        deployed_here()
        assert (chosen().stack, chosen().region) == ("mine", "eu-west-1")

    def test_is_the_stack_that_is_named(self) -> None:
        deployed_here()
        assert (chosen("other").stack, chosen("other").region) == ("other", None)

    def test_includes_the_region_if_the_folders_stack_is_named(self) -> None:
        deployed_here()
        assert chosen("mine").region == "eu-west-1"

    @pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
    def test_leaves_a_region_of_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        deployed_here()
        monkeypatch.setenv(name, "us-east-1")
        assert (chosen().stack, chosen().region) == ("mine", None)

    def test_is_none_if_the_environment_has_the_settings(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deployed_here()
        monkeypatch.setenv("TRACKING_TABLE", "table")
        assert chosen().stack is None


class TestFolder:
    def test_of_a_guided_deployment_by_sam_names_its_stack(self, tmp_path: Path) -> None:
        (tmp_path / "samconfig.toml").write_text(
            '[default.deploy.parameters]\nstack_name = "guided"\nregion = "eu-west-3"\n'
        )
        assert deployed_from(tmp_path) == Deployed("guided", "eu-west-3")

    def test_of_this_project_names_none_before_a_deployment(self, tmp_path: Path) -> None:
        tracked = Path(__file__).parents[4] / "samconfig.toml"
        (tmp_path / tracked.name).write_bytes(tracked.read_bytes())
        assert deployed_from(tmp_path) is None

    @pytest.mark.parametrize("content", [b"\xff", b"stack_name =", b'stack_name = "'])
    def test_with_an_unreadable_file_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(typer.BadParameter, match=r"\.deployed\.toml cannot be read"):
            deployed_from(tmp_path)

    @pytest.mark.parametrize("content", ["", "stack_name = 1", 'stack_name = ""', "[stack_name]"])
    def test_with_a_file_that_names_no_stack_names_none(self, tmp_path: Path, content: str) -> None:
        (tmp_path / FILE).write_text(content)
        assert deployed_from(tmp_path) is None

    def test_that_does_not_exist_names_none(self, tmp_path: Path) -> None:
        assert deployed_from(tmp_path / "nowhere") is None

    def test_without_a_region_has_none(self, tmp_path: Path) -> None:
        (tmp_path / FILE).write_text(written(Deployed("mine", None)))
        assert deployed_from(tmp_path) == Deployed("mine", None)


def completed(text: str, *, stack: str | None = "mine", account_id: str = "default") -> str:
    with invocation.begun() as running:
        running.stack, running.account_id = stack, account_id
        return pasteable(text)


class TestCommandInAMessage:
    def test_gets_the_stack(self) -> None:
        assert completed("Run `email-opens poll`.") == "Run `email-opens poll --stack mine`."

    def test_gets_the_account_unless_it_is_the_default(self) -> None:
        assert completed("See `email-opens status`.", account_id="acme") == (
            "See `email-opens status --account acme --stack mine`."
        )

    @pytest.mark.parametrize(
        ("command", "options"),
        [
            ("connect acme", " --stack mine"),
            ("dead-letters list", " --stack mine"),
            ("track ACTIVITY_ID --account x", " --stack mine"),
            ("poll --stack y", " --account acme"),
            ("watch --account acme --credentials FILE …", ""),
            ("demo", ""),
        ],
    )
    def test_gets_only_options_that_it_takes(self, command: str, options: str) -> None:
        assert completed(f"`email-opens {command}`", account_id="acme") == (
            f"`email-opens {command}{options}`"
        )

    def test_is_unchanged_without_a_stack(self) -> None:
        assert completed("Run `email-opens poll`.", stack=None) == "Run `email-opens poll`."

    def test_that_is_only_the_name_of_a_holder_is_unchanged(self) -> None:
        sentence = "`email-opens poll` is working on account default."
        assert completed(sentence) == sentence

    def test_quotes_the_name_of_the_stack(self) -> None:
        assert completed("`email-opens poll`", stack="a b") == "`email-opens poll --stack 'a b'`"

    def test_is_completed_when_it_is_printed(self, capsys: pytest.CaptureFixture[str]) -> None:
        with invocation.begun() as running:
            running.stack = "mine"
            say("Run `email-opens poll`.")
        assert capsys.readouterr().out == "Run `email-opens poll --stack mine`.\n"
