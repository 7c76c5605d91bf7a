"""The processes in which MiniStack runs functions, as the system lists them."""

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def function_processes(folder: Path, function: str) -> list[int]:
    """Return the ids of the processes that run a function.

    Each runs a script below MiniStack's own temporary folder, so another MiniStack's processes
    never match.
    """
    script = f"{folder}{os.sep}ministack-lambda-{function}-"
    return [process_id for process_id, command in _commands() if script in command]


def kill(process_ids: Iterable[int]) -> int:
    """Kill processes; return how many there were."""
    killed = 0
    for process_id in process_ids:
        with suppress(ProcessLookupError):  # It has just ended by itself.
            os.kill(process_id, signal.SIGKILL)
            killed += 1
    return killed


def _commands() -> Iterator[tuple[int, str]]:
    """Yield each process's id and command line."""
    if (_PROC / "self" / "cmdline").exists():  # Linux, where `ps` is often not installed.
        for path in _PROC.glob("[0-9]*/cmdline"):
            with suppress(OSError):  # The process has ended.
                words = path.read_bytes().split(b"\0")
                yield int(path.parent.name), " ".join(os.fsdecode(word) for word in words)
        return
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,args="],  # noqa: S607 - wherever the system has it
        capture_output=True,
        text=True,
        errors="replace",
        check=True,
    )
    for line in listed.stdout.splitlines():
        process_id, _, command = line.strip().partition(" ")
        yield int(process_id), command
