"""Run a command for as long as somebody holds our standard input.

Whoever started us and dies, by whatever signal, closes that pipe: the command and all it has
started then end too. `python supervised.py FOLDER COMMAND…` also removes the command's folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading

SECONDS_TO_END = 5


def main() -> int:
    """Return the command's status."""
    folder, *command = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Our starter decides, by closing the pipe.
    # What a shell's Ctrl-C reaches is our starter's group, not this one's.
    process = subprocess.Popen(  # noqa: S603 - the starter's own command
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )
    threading.Thread(target=_end_with_the_pipe, args=(process,), daemon=True).start()
    try:
        return process.wait()
    finally:
        _signal(process, signal.SIGKILL)  # what the command has left behind
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
