"""Deploying from a clone, and from a package that was installed without one."""

from pathlib import Path

import pytest

from email_opens.errors import InvalidInput
from email_opens_cli.commands.deploy import make_deploy


def test_in_a_clone_its_make_target_runs_and_its_exit_code_is_returned(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("deploy:\n\t@touch deployed\n")
    assert make_deploy(tmp_path) == 0
    assert (tmp_path / "deployed").exists()


def test_a_target_that_fails_is_reported_by_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("deploy:\n\t@false\n")
    assert make_deploy(tmp_path) == 2


@pytest.mark.parametrize(("number", "code"), [("PIPE", 0), ("TERM", 143)])
def test_a_signal_that_ends_it_is_reported_as_a_shell_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str, code: int
) -> None:
    make = tmp_path / "make"
    make.write_text(f"#!/bin/sh\nkill -{number} $$\n")
    make.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert make_deploy(tmp_path) == code


def test_without_a_clone_the_command_says_what_is_needed() -> None:
    with pytest.raises(InvalidInput, match=r"needs a clone.*run `make deploy` there"):
        make_deploy(None)


def test_without_make_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInput, match="needs make"):
        make_deploy(tmp_path)
