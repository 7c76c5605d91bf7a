"""Run a command until standard input is closed: `python supervised.py FOLDER COMMAND…`.

The parent process holds the other end of that pipe. When it exits or is killed, the pipe closes,
and the command and the processes that it started are ended. FOLDER, the command's, is removed.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading

SECONDS_TO_END = 5


def main() -> int:
    """Run the command; return its exit status."""
    folder, *command = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Only the parent ends this, by closing the pipe.
    # A session of its own, so that Ctrl-C in a shell reaches only the parent's process group.
    process = subprocess.Popen(  # noqa: S603 - the parent's own command
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )
    threading.Thread(target=_end_with_the_pipe, args=(process,), daemon=True).start()
    try:
        return process.wait()
    finally:
        _signal(process, signal.SIGKILL)  # processes that the command left behind
        shutil.rmtree(folder, ignore_errors=True)


def _end_with_the_pipe(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        continue
    _signal(process, signal.SIGTERM)
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main())
