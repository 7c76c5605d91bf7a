"""The cost of reading a page of 500 rows with the standard library, msgspec and pydantic.

Run `python -m bench.decode`. All three return the same values: checked text, times in UTC.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path
from uuid import UUID

import msgspec
import pydantic

from email_opens.adapters.vendor.replies.rows import decode

ROWS = 500
ACTIVITY = "5b1e0a52-0000-4000-8000-0000000000aa"
BODY = json.dumps(
    {
        "tracking_activities": [
            {
                "contact_id": str(UUID(int=number * 2654435761 + (4 << 76), version=4)),
                "campaign_activity_id": ACTIVITY,
                "tracking_activity_type": "em_opens",
                "email_address": f"contact{number}@example.com",
                "first_name": "Bo",
                "last_name": "Lund",
                "device_type": ("mobile", "computer", "tablet")[number % 3],
                "created_time": f"2026-03-02T{14 - number // 60:02}:{59 - number % 60:02}:00.000Z",
            }
            for number in range(ROWS)
        ],
        "_links": {"next": {"href": "/v3/reports/email_reports/x/tracking/opens?next=a"}},
    }
).encode()


class _Row(msgspec.Struct):
    contact_id: str
    email_address: str
    created_time: datetime
    device_type: str | None = None


class _Page(msgspec.Struct):
    tracking_activities: list[_Row]


class _RowModel(pydantic.BaseModel):
    contact_id: str
    email_address: str
    created_time: datetime
    device_type: str | None = None


class _PageModel(pydantic.BaseModel):
    tracking_activities: list[_RowModel]


def by_standard_library() -> list[datetime]:
    return [row.created_time for row in decode(BODY, ACTIVITY).opens]


_msgspec_page = msgspec.json.Decoder(_Page)
_pydantic_page = pydantic.TypeAdapter(_PageModel)


def by_msgspec() -> list[datetime]:
    page = _msgspec_page.decode(BODY)
    return [row.created_time.astimezone(UTC) for row in page.tracking_activities]


def by_pydantic() -> list[datetime]:
    page = _pydantic_page.validate_json(BODY)
    return [row.created_time.astimezone(UTC) for row in page.tracking_activities]


def microseconds_a_row(read: Callable[[], object]) -> float:
    loops = 20
    return min(timeit.repeat(read, number=loops, repeat=15)) / loops / ROWS * 1e6


def import_milliseconds(statement: str, tries: int = 11) -> float:
    """Return the median over fresh interpreters with cached byte code, without common imports."""
    timed = (
        "import time,datetime,dataclasses,enum,uuid;started=time.perf_counter();"
        f"{statement};print((time.perf_counter()-started)*1000)"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        } | {"PYTHONPYCACHEPREFIX": cache}
        taken = [
            float(
                subprocess.run(
                    [sys.executable, "-c", timed],
                    env=environment,
                    check=True,
                    capture_output=True,
                ).stdout
            )
            for _ in range(tries + 1)
        ]
    return statistics.median(taken[1:])  # the first run compiles


def megabytes(*names: str) -> float:
    """Return the size of distributions on disk, without byte code."""
    size = 0
    for name in names:
        for file in distribution(name).files or ():
            path = Path(str(file.locate()))
            if path.suffix != ".pyc" and path.is_file():
                size += path.stat().st_size
    return size / 1e6


def main() -> None:
    pydantic_distributions = ("pydantic", "pydantic-core", "annotated-types", "typing-inspection")
    readers = (
        ("standard library", by_standard_library, "import json", ()),
        ("msgspec", by_msgspec, "import msgspec.json", ("msgspec",)),
        # Its models are built at import, which is part of a cold start.
        (
            "pydantic",
            by_pydantic,
            "import pydantic;T=type('T',(pydantic.BaseModel,),{'__annotations__':{'a':str}})",
            pydantic_distributions,
        ),
    )
    expected = by_standard_library()
    print("| reader | µs a row | import ms | installed MB |")
    print("|---|---|---|---|")
    for name, read, statement, distributions in readers:
        if read() != expected:
            raise SystemExit(f"{name} reads other values from the page.")
        print(
            f"| {name} | {microseconds_a_row(read):.2f} | {import_milliseconds(statement):.1f} "
            f"| {megabytes(*distributions):.1f} |"
        )


if __name__ == "__main__":
    main()
