"""Print all tables of `make bench`; takes about two minutes."""

import os
import platform

from bench import (
    idle,
    kills,
    memory,
    open_cost,
    requests_per_poll,
    throughput,
    watch,
)


def main() -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    for topic in (requests_per_poll, idle, open_cost, throughput, memory, kills, watch):
        topic.main()
    print("### Reading a page of 500 rows\n")


if __name__ == "__main__":
    main()
