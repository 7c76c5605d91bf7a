"""The byte code that the Makefiles of the functions put beside their source."""

import os
import shutil
import subprocess
import sys
from importlib.util import cache_from_source, source_hash
from pathlib import Path

import pytest

from tests.integration.deployment import ROOT

CHECKED = b"\x03\x00\x00\x00"
"""The flags of byte code that holds a hash of its source, which Python compares."""


@pytest.fixture(params=[("poll_opens", "PollOpens"), ("alert_on_opens", "AlertOnOpens")])
def built(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A function's source, built as SAM builds it."""
    folder, resource = request.param
    copied, artifacts = tmp_path / "copied", tmp_path / "artifacts"
    shutil.copytree(ROOT / "functions" / folder, copied)
    artifacts.mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["make", f"build-{resource}"],
        cwd=copied,
        env=os.environ | {"ARTIFACTS_DIR": str(artifacts), "PATH": path},
        check=True,
    )
    return artifacts / "app.py"


def test_byte_code_is_that_of_the_source(built: Path) -> None:
    code = Path(cache_from_source(str(built))).read_bytes()
    assert (code[4:8], code[8:16]) == (CHECKED, source_hash(built.read_bytes()))


def test_source_that_is_edited_after_the_build_runs(built: Path) -> None:
    built.write_text("print('edited')")
    ended = subprocess.run(
        [sys.executable, "-c", "import app"],
        cwd=built.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "edited\n"
