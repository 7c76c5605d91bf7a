"""The real stack on an AWS of this machine: for the demo and the end-to-end tests.

    with EmbeddedAws() as aws:
        built = aws.build(folder)
        with aws.deployed(built, "demo", {"ConstantContactApiUrl": emulator.url}) as stack:
            stack.outputs["OpensTopicArn"]

No account, no key and no setting of the user's own AWS is read or touched.
"""

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from email_opens.config import environment_of

ROOT = Path(__file__).resolve().parents[2]
MINISTACK = ("--from", "ministack==1.5.33", "--with", "aws-sam-translator", "--with", "boto3")
SAM = ("--from", "aws-sam-cli==1.170.0", "sam")
REGION = "eu-west-1"
KEYS = ("embedded", "embedded")
START_SECONDS = 120
"""The first start on a machine fetches its packages."""
TAIL_LINES = 12

type Progress = Callable[[str], None]


class EmbeddedAwsFailed(Exception):
    """A tool did not do its part; the message ends with the last lines that it printed."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack."""

    name: str
    outputs: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The settings as `email_opens.config` reads them."""
        return environment_of(self.outputs)


class EmbeddedAws:
    """MiniStack on a free port of the loopback, ended with the `with`, or with this process."""

    def __init__(self, *, progress: Progress = lambda _: None) -> None:
        self._progress = progress
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.environment = _without_aws() | {
            "AWS_ACCESS_KEY_ID": KEYS[0],
            "AWS_SECRET_ACCESS_KEY": KEYS[1],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
        }
        """What a process needs to reach this AWS and no other."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._progress("Starting an AWS on this machine")
        self._folder = Path(tempfile.mkdtemp(prefix="email-opens-aws-"))
        # Without a name: it is read after the folder is gone.
        self._log = tempfile.TemporaryFile()
        command = [*_tool(), *MINISTACK, "ministack"]
        settings = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            "LAMBDA_EXECUTOR": "local",
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(self._folder),
        }
        supervised = [sys.executable, str(Path(__file__).with_name("supervised.py"))]
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            [*supervised, str(self._folder), *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            cwd=self._folder,
            env=self.environment | settings,
            start_new_session=True,
        )
        try:
            self._wait_for_health()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End MiniStack and the functions that it runs, and remove what they wrote."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        process.wait()
        self._log.close()

    def client(self, service: str) -> Any:
        """Return a boto3 client of this AWS; `service` is a name such as `sqs`."""
        # A session of its own: the default one would read the user's profile.
        make: Callable[..., Any] = boto3.session.Session(*KEYS, region_name=REGION).client
        return make(service, endpoint_url=self.url, config=Config(retries={"mode": "standard"}))

    def build(self, folder: Path) -> Path:
        """Build the template for this machine into a folder; return the built template."""
        self._progress("Building the function and its layer")
        return build(folder)

    @contextmanager
    def deployed(self, built: Path, name: str, parameters: Mapping[str, str]) -> Iterator[Stack]:
        """Deploy a built template, and delete the stack again."""
        stack = self.deploy(built, name, parameters)
        try:
            yield stack
        finally:
            self.delete(name)

    def deploy(self, built: Path, name: str, parameters: Mapping[str, str]) -> Stack:
        """Deploy a built template with `sam deploy`, as it is deployed to AWS."""
        self._progress(f"Deploying the stack {name}")
        given = {"Architecture": host_architecture()} | dict(parameters)
        self._sam(
            "deploy",
            *("--template-file", str(built), "--stack-name", name, "--resolve-s3"),
            *("--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"),
            "--no-progressbar",
            *("--parameter-overrides", *(f"{key}={value}" for key, value in given.items())),
        )
        return Stack(name, self.outputs(name))

    def outputs(self, name: str) -> dict[str, str]:
        """Return a deployed stack's outputs by their names."""
        reply = self.client("cloudformation").describe_stacks(StackName=name)
        listed = reply["Stacks"][0].get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in listed}

    def delete(self, name: str) -> None:
        """Delete a stack; what its template retains stays."""
        self._progress(f"Deleting the stack {name}")
        self._sam("delete", "--stack-name", name, "--no-prompts", "--region", REGION)

    def _sam(self, *arguments: str) -> None:
        _run_sam(arguments, self.environment, self._folder)

    def _wait_for_health(self) -> None:
        ends = time.monotonic() + START_SECONDS
        while self._process is not None and self._process.poll() is None:
            if _is_healthy(self._port):
                return
            if time.monotonic() > ends:
                raise EmbeddedAwsFailed(
                    f"MiniStack was not ready within {START_SECONDS} seconds.{self._printed()}"
                )
            time.sleep(0.05)  # Nothing tells when it listens.
        raise EmbeddedAwsFailed(f"MiniStack ended before it was ready.{self._printed()}")

    def _printed(self) -> str:
        # pread: MiniStack writes where this file object would read.
        size_bytes = os.fstat(self._log.fileno()).st_size
        return _last_lines(os.pread(self._log.fileno(), size_bytes, 0).decode(errors="replace"))


def build(folder: Path) -> Path:
    """Build the template for this machine into a folder; return the built template."""
    # SAM empties the folder that it builds into, and will not do so to the one it runs in.
    built = folder / "built"
    folder.mkdir(parents=True, exist_ok=True)
    machine = "aarch64" if host_architecture() == "arm64" else "x86_64"
    _run_sam(
        (
            "build",
            *("--template-file", str(ROOT / "template.yaml"), "--build-dir", str(built)),
            *("--parameter-overrides", f"Architecture={host_architecture()}"),
        ),
        _without_aws() | {"LAYER_PLATFORM": f"{machine}-manylinux_2_28"},
        folder,
    )
    return built / "template.yaml"


def host_architecture() -> str:
    """Return this machine's processor in Lambda's words."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


@cache
def uv() -> str:
    """Return the uv that the Makefile uses: the one on the path if it works, else its own."""
    for candidate in (shutil.which("uv"), str(ROOT / ".uv/bin/uv")):
        if candidate and _works(candidate):
            return candidate
    raise EmbeddedAwsFailed("There is no uv: run `make test` or `make demo`, which fetch it.")


def _works(candidate: str) -> bool:
    try:
        asked = [candidate, "--version"]
        return not subprocess.run(asked, capture_output=True, check=False).returncode  # noqa: S603
    except OSError:
        return False


def _tool() -> list[str]:
    # The Python beneath this environment: elsewhere uv might find none, and fetch one.
    python = str(Path(sys.executable).resolve())
    return [uv(), "tool", "run", "--quiet", "--python", python]


def _run_sam(arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own words
        [*_tool(), *SAM, *arguments],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedAwsFailed(f"`sam {arguments[0]}` failed.{_last_lines(done.stdout)}")


def _without_aws() -> dict[str, str]:
    """Return this process's environment less everything of AWS, with uv and Python found first."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTEST_")) and name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    # SAM needs a python3.13, and the layer's Makefile uv.
    path = [str(Path(sys.executable).parent), str(Path(uv()).parent), kept.get("PATH", "")]
    return kept | {
        "PATH": os.pathsep.join(path),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
    }


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _is_healthy(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == 200  # noqa: PLR2004 - OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _last_lines(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()][-TAIL_LINES:]
    return " It printed:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
