"""The wheel, installed outside the clone beside nothing but the packages that it declares."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from constant_contact_emulator import Emulator, Limits
from embedded_aws.uv import uv
from tests.integration.deployment import ROOT
from tests.integration.template import of_type, read_template

OPENS = 7


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment in which only the wheel and its dependencies can be imported."""

    environment: Path
    dependencies: Path

    @property
    def packages(self) -> Path:
        (found,) = self.environment.glob("lib/python*/site-packages")
        return found

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, in a folder and a home that are not the clone's."""
        program, *arguments = command
        return subprocess.run(
            [self.environment / "bin" / program, *arguments],
            cwd=self.environment,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.environment),
                "PYTHONPATH": str(self.dependencies),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def needed_by(package: Distribution) -> Iterator[Distribution]:
    """Yield the packages that a package needs without extras, and those that these need."""
    for line in package.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needed = distribution(requirement.name)
            yield needed
            yield from needed_by(needed)


def link(packages: Iterator[Distribution], folder: Path) -> None:
    """Make packages of this environment importable from a folder."""
    folder.mkdir()
    for package in packages:
        for top in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(str(package.locate_file(top)))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    environment = folder / "environment"
    wheels = folder / "wheels"
    for command in (
        ["build", "--quiet", "--wheel", "--out-dir", str(wheels), str(ROOT)],
        ["venv", "--quiet", "--python", sys.executable, str(environment)],
    ):
        subprocess.run([uv(), *command], check=True)
    (wheel,) = wheels.glob("*.whl")
    python = str(environment / "bin" / "python")
    install = ["pip", "install", "--quiet", "--no-deps", "--python", python, str(wheel)]
    subprocess.run([uv(), *install], check=True)
    made = Installed(environment, folder / "dependencies")
    (metadata,) = made.packages.glob("email_opens-*.dist-info")
    link(needed_by(Distribution.at(metadata)), made.dependencies)
    return made


@pytest.mark.parametrize(
    "command", [["email-opens"], ["python", "-m", "email_opens_cli"]], ids=["script", "module"]
)
def test_the_version_is_shown(installed: Installed, command: list[str]) -> None:
    done = installed.run(*command, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"email-opens {version('email-opens')}\n"


@pytest.mark.parametrize("name", ["watch", "demo", "connect", "status", "dead-letters", "tail"])
def test_help_is_shown(installed: Installed, name: str) -> None:
    done = installed.run("email-opens", name, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_watch_prints_the_opens(installed: Installed) -> None:
    with Emulator(limits=Limits.off()) as vendor:
        activity_id = vendor.world.add_campaign().activity_id
        vendor.world.send(activity_id)
        for contact in range(OPENS):
            vendor.world.add_open(activity_id, contact)
        credentials = installed.environment / "credentials.json"
        credentials.write_text(json.dumps(vendor.credentials()))
        done = installed.run(
            *("email-opens", "watch", activity_id, "--once", "--credentials", str(credentials)),
            CONSTANT_CONTACT_API_URL=vendor.url,
            CONSTANT_CONTACT_AUTH_URL=vendor.auth_url,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == OPENS


def test_commands_of_a_deployment_load_and_ask_for_a_stack(installed: Installed) -> None:
    done = installed.run("email-opens", "poll", AWS_REGION="eu-west-1")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("No stack is named")


def test_deploying_needs_the_clone(installed: Installed) -> None:
    done = installed.run("email-opens", "deploy")
    assert done.returncode == 2
    assert "needs a clone" in done.stderr


def test_what_the_demo_deploys_is_installed(installed: Installed) -> None:
    stack = installed.packages / "embedded_aws" / "stack"
    template = read_template()
    published = template["Metadata"]["AWS::ServerlessRepo::Application"]
    functions = of_type(template, "AWS::Serverless::Function").values()
    layers = of_type(template, "AWS::Serverless::LayerVersion").values()
    named = [
        published["LicenseUrl"],
        published["ReadmeUrl"],
        *(function["CodeUri"] for function in functions),
        *(layer["ContentUri"] for layer in layers),
    ]
    assert (stack / "template.yaml").read_bytes() == (ROOT / "template.yaml").read_bytes()
    assert [name for name in named if not (stack / name).exists()] == []
