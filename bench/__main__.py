"""Print every table: `make bench`, some two minutes."""

import os
import platform

from bench import decode, idle, killed, memory, requested, throughput


def main() -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    for topic in (requested, idle, throughput, memory, killed):
        topic.main()
    print("### Reading a page of 500 rows\n")
    decode.main()


if __name__ == "__main__":
    main()
