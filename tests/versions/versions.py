"""Turns of the previous version and of this one over the same stored items."""

import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PREVIOUS = HERE / "before_schemas.tar.xz"
"""The package `email_opens` as it was before stored items had a schema."""
CURRENT = HERE.parents[1] / "layers" / "email_opens"
PROGRAM = HERE / "turns_of_a_version.py"
MOST_SECONDS = 1_800
KINDS = ("active", "active", "active", "paused", "finished", "gone")
OTHERS = ("finished long ago", "paused", "finished")

type Turns = Mapping[str, Any]


def unpack_previous(folder: Path) -> Path:
    """Unpack the previous version; return the folder to import it from."""
    with tarfile.open(PREVIOUS) as archive:
        archive.extractall(folder, filter="data")
    return folder


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """A store that turns of several versions work on, one version after the other."""

    store: str
    folder: Path
    items: dict[str, Any] = field(default_factory=dict)
    """The items of DynamoDB, by table; those of SQLite are in a file."""
    reports: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By activity: contacts, and when they opened it; the newest open first."""
    now: datetime = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    published: list[str] = field(default_factory=list)
    _opens: int = 0

    @property
    def rows(self) -> int:
        return sum(map(len, self.reports.values()))

    def track(self, version: Path, number: int, others: int = 0) -> Turns:
        """Track activities in every state, and others that are not polled; take a turn."""
        kinds = {f"e-mail-{n:05}": KINDS[n % len(KINDS)] for n in range(number)}
        kinds |= {f"other-{n:05}": OTHERS[n % len(OTHERS)] for n in range(others)}
        self.reports = {activity_id: [] for activity_id in kinds}
        return self.work(version, track=kinds, turns=1)

    def open(self, activity_ids: Iterable[str], number: int) -> None:
        """Add so many opens to each of these reports, two of them alike in their instant."""
        for activity_id in activity_ids:
            for place in range(number):
                at = self.now - timedelta(minutes=max(1, number - place))
                self.reports[activity_id].insert(0, (f"contact-{self._opens}", at.isoformat()))
                self._opens += 1

    def stored(self) -> dict[str, Any]:
        """Return the raw items of the account, by activity id, or "" for the account itself."""
        if self.store == "dynamodb":
            items = self.items["tracking"]
        else:
            with closing(sqlite3.connect(self.folder / "state.sqlite")) as connection:
                items = [
                    {"item": {"S": "account"}} | json.loads(item)
                    for (item,) in connection.execute(
                        "SELECT item FROM accounts UNION ALL SELECT item FROM activities"
                    )
                ]
        named = {item["item"]["S"]: item for item in items}
        return {
            name.removeprefix("account").removeprefix("activity#"): item
            for name, item in named.items()
            if name != "discovery"
        }

    def change(self, change: Callable[[str, Any], Any]) -> None:
        """Change the raw items of the account, by activity id."""
        changed = {name: change(name, item) for name, item in self.stored().items()}
        if self.store == "dynamodb":
            others = [item for item in self.items["tracking"] if item["item"]["S"] == "discovery"]
            self.items["tracking"] = [*changed.values(), *others]
            return
        with closing(sqlite3.connect(self.folder / "state.sqlite")) as connection:
            account = json.dumps(changed.pop(""))
            connection.execute("UPDATE accounts SET item = ?", (account,))
            connection.executemany(
                "UPDATE activities SET item = ? WHERE campaign_activity_id = ?",
                [(json.dumps(item), name) for name, item in changed.items()],
            )
            connection.commit()

    def work(
        self, version: Path, *, turns: int = 2, track: Mapping[str, str] | None = None
    ) -> Turns:
        """Take turns with a version."""
        world = {
            "store": self.store,
            "path": str(self.folder / "state.sqlite"),
            "items": self.items,
            "now": self.now.isoformat(),
            "turns": turns,
            "track": track or {},
            "reports": self.reports,
        }
        question = self.folder / "world.json"
        question.write_text(json.dumps(world))
        ended = subprocess.run(
            [sys.executable, "-P", str(PROGRAM), str(question)],
            env={**os.environ, "PYTHONPATH": str(version)},
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr[-2000:]
        done: Turns = json.loads(ended.stdout)
        self.now, self.items = datetime.fromisoformat(done["now"]), done["items"]
        self.published += done["published"]
        return done
