"""Run a command on one processor, and write what it took: `launcher.py FILE PROCESSOR COMMAND…`.

A process of its own, as small as possible: the peak memory of a process begins with that of the
process that started it. So it is started without site-packages, and imports little.
"""

import os
import sys
import time


def main() -> None:
    file, processor, *command = sys.argv[1:]
    os.sched_setaffinity(0, {int(processor)})
    started = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - started
    with open(file, "w", encoding="ascii") as written:  # noqa: PTH123 - pathlib takes memory
        written.write(f"{wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}")
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
