"""Standard streams that are closed, full, or of another encoding: no traceback, no lost open."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from constant_contact_emulator import Emulator, Limits

PROGRAM = Path(sys.executable).with_name("email-opens")
HELP = ["--help"]
NO_STATE = ["status", "--state", "nowhere"]


def shell(
    redirections: str, *arguments: str, before: str = "", **variables: str
) -> tuple[int, str, str]:
    """Run the program with streams as a shell redirects them; return code, stdout and stderr."""
    done = subprocess.run(
        ["sh", "-c", f'{before} exec "$@" {redirections}', "sh", PROGRAM, *arguments],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


FULL = "The output cannot be written: No space left on device.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
@pytest.mark.parametrize("arguments", [HELP, ["--version"], ["status", "--help"]], ids=" ".join)
def test_a_full_disk_is_reported_in_a_sentence(arguments: list[str]) -> None:
    assert shell(">/dev/full", *arguments) == (1, "", FULL)


@pytest.mark.parametrize("arguments", [HELP, ["--version"], ["status", "--help"]], ids=" ".join)
def test_a_closed_stdout_is_a_closed_pipe(arguments: list[str]) -> None:
    assert shell(">&-", *arguments) == (0, "", "")


def test_a_closed_stdin_is_empty() -> None:
    code, _, stderr = shell("<&-", "connect")
    assert (code, stderr[:26]) == (2, "Standard input is empty: r")


@pytest.mark.parametrize("redirections", ["2>&-", "<&- 2>&-"])
def test_without_stderr_the_exit_code_is_the_same(redirections: str) -> None:
    assert shell(redirections, *NO_STATE) == (2, "", "")


def test_what_the_encoding_lacks_is_written_as_an_escape() -> None:
    code, stdout, stderr = shell("", "watch", "--help", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (code, stderr) == (0, "")
    assert stdout.isascii()
    assert r"[E-MAIL]\u2026" in stdout


def test_a_folder_that_was_deleted_is_no_error_of_the_program(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code, _, stderr = shell(
        "", "status", before=f"cd {gone} && rmdir {gone} &&", HOME=str(tmp_path)
    )
    assert (code, stderr[:28]) == (2, "There is no stack to read, a")


def test_a_watch_without_stdout_counts_no_open_as_published(tmp_path: Path) -> None:
    with Emulator(limits=Limits.off()) as vendor:
        activity_id = vendor.world.add_campaign().activity_id
        vendor.world.send(activity_id)
        vendor.world.add_open(activity_id, contact=0)
        credentials, state = tmp_path / "credentials.json", tmp_path / "state.sqlite"
        credentials.write_text(json.dumps(vendor.credentials()))
        options = ("--once", "--state", str(state), "--credentials", str(credentials))
        watch = ("watch", activity_id, *options)
        urls = {
            "CONSTANT_CONTACT_API_URL": vendor.url,
            "CONSTANT_CONTACT_AUTH_URL": vendor.auth_url,
        }
        assert shell(">&-", *watch, **urls) == (0, "", "")
        code, stdout, stderr = shell("", *watch, **urls)
    assert (code, stdout.count("\n"), stderr) == (0, 1, "")
