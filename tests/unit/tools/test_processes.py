"""The processes of an embedded AWS's functions: found by their own scripts, and killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded_aws.processes import function_processes, kill


@contextmanager
def function(folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run what MiniStack runs: a script in a folder of the function's name."""
    script = folder / f"ministack-lambda-{name}-x1y2" / "_worker.py"
    script.parent.mkdir(parents=True)
    script.write_text("print('started', flush=True); input()")
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def test_the_process_of_a_function_is_found(tmp_path: Path) -> None:
    with function(tmp_path, "Poll") as process:
        assert function_processes(tmp_path, "Poll") == [process.pid]


def test_a_process_of_another_function_is_not_found(tmp_path: Path) -> None:
    with function(tmp_path, "Poll"):
        assert function_processes(tmp_path, "Discover") == []


def test_a_process_of_another_embedded_aws_is_not_found(tmp_path: Path) -> None:
    with function(tmp_path / "other", "Poll"):
        assert function_processes(tmp_path / "own", "Poll") == []


def test_a_process_is_killed_at_once(tmp_path: Path) -> None:
    with function(tmp_path, "Poll") as process:
        assert kill([process.pid]) == 1
        assert process.wait() == -9


def test_a_process_that_has_ended_is_not_counted() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert kill([process.pid]) == 0
