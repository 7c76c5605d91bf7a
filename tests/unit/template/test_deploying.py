"""The workflows, `make deploy` and the published application agree with the project."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.deployment import ROOT
from tests.integration.template import read_template

WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.name: yaml.safe_load(path.read_text())
    for path in sorted((ROOT / ".github" / "workflows").iterdir())
}
JOBS = {
    f"{name}: {job}": properties
    for name, workflow in WORKFLOWS.items()
    for job, properties in workflow["jobs"].items()
}
STEPS = {
    f"{job}, {number}": step
    for job, properties in JOBS.items()
    for number, step in enumerate(properties.get("steps", []), 1)
}
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PUBLISHED: dict[str, Any] = read_template()["Metadata"]["AWS::ServerlessRepo::Application"]

NEEDED_BY_MAKE = (
    *("Makefile", "samconfig.toml", "pyproject.toml", "requirements-dev.txt"),
    *("tools/locks/uv.txt", "tools/locks/sam.txt"),
)
INSTALLS = re.compile(r"(?:pip3? install|pip sync|tool (?:run|install)|uvx|pipx|npm|curl|wget)\b.*")
"""What downloads programs."""


def make_targets(job: dict[str, Any]) -> Iterator[str]:
    """Yield the targets that a job makes, including those of its matrix."""
    for step in job.get("steps", []):
        for target in re.findall(
            r"^make (\$\{\{.+?\}\}|[\w-]+)", step.get("run", ""), re.MULTILINE
        ):
            if target == "${{ matrix.target }}":
                yield from job["strategy"]["matrix"]["target"]
            else:
                yield target


class TestTheWorkflows:
    @pytest.mark.parametrize("job", JOBS)
    def test_make_only_targets_of_the_makefile(self, job: str) -> None:
        assert set(make_targets(JOBS[job])) <= set(TARGETS)

    def test_make_check_and_test_for_every_change(self) -> None:
        assert list(make_targets(JOBS["test.yml: test"])) == ["check", "test"]

    def test_deploy_only_after_the_tests(self) -> None:
        needed = JOBS[f"deploy.yml: {JOBS['deploy.yml: deploy']['needs']}"]
        assert needed["uses"] == "./.github/workflows/test.yml"

    def test_deploy_in_the_protected_environment(self) -> None:
        assert JOBS["deploy.yml: deploy"]["environment"] == "production"

    @pytest.mark.parametrize("step", [name for name, step in STEPS.items() if "uses" in step])
    def test_pin_each_action_to_a_commit(self, step: str) -> None:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", STEPS[step]["uses"])

    @pytest.mark.parametrize("name", WORKFLOWS)
    def test_may_only_read_by_default(self, name: str) -> None:
        assert WORKFLOWS[name]["permissions"] == {"contents": "read"}

    def test_request_a_token_only_where_it_is_exchanged(self) -> None:
        requesting = [
            name for name, job in JOBS.items() if "id-token" in job.get("permissions", {})
        ]
        exchanging = [
            name
            for name, job in JOBS.items()
            for step in job.get("steps", [])
            if "role-to-assume" in step.get("with", {}) or "attest" in step.get("uses", "")
        ]
        assert requesting == exchanging == ["deploy.yml: deploy", "release.yml: release"]

    @pytest.mark.parametrize("name", WORKFLOWS)
    def test_use_no_stored_secrets(self, name: str) -> None:
        assert "secrets." not in (ROOT / ".github" / "workflows" / name).read_text()


class TestTheDeployment:
    """The job that assumes a role of AWS."""

    STEPS = JOBS["deploy.yml: deploy"]["steps"]

    def test_builds_before_it_assumes_its_role_and_only_deploys_afterwards(self) -> None:
        (assumes,) = [
            number
            for number, step in enumerate(self.STEPS)
            if "role-to-assume" in step.get("with", {})
        ]
        before = [step["run"] for step in self.STEPS[:assumes] if "run" in step]
        assert [command for command in before if "make" in command] == ["make build"]
        assert [step.get("run") for step in self.STEPS[assumes + 1 :]] == ["make deploy-built"]

    def test_installs_nothing_without_hashes(self, tmp_path: Path) -> None:
        commands = commands_of_make(tmp_path, "build", "OWN_UV=.uv/bin/uv", "UV=.uv/bin/uv")
        installs = [found[0] for line in commands if (found := INSTALLS.search(line))]
        assert len(installs) == 4, installs
        (own,) = [line for line in installs if "--editable ." in line]
        assert {"--no-deps", "--no-build-isolation"} <= set(own.split())
        others = [line for line in installs if line != own]
        assert [line for line in others if "--require-hashes" not in line] == []

    def test_installs_nothing_once_it_has_its_role(self, tmp_path: Path) -> None:
        commands_of_make(tmp_path, "help")  # copies the project
        for ready in (".venv/ready", ".sam/ready"):
            (tmp_path / ready).parent.mkdir()
            (tmp_path / ready).touch()
        commands = commands_of_make(tmp_path, "deploy-built", "OWN_UV=")
        assert [line for line in commands if INSTALLS.search(line)] == []

    @pytest.mark.parametrize("lock", ["uv", "sam"])
    def test_has_hashes_of_every_package_of_its_tools(self, lock: str) -> None:
        text = (ROOT / "tools" / "locks" / f"{lock}.txt").read_text().replace("\\\n", "")
        packages = [
            line for line in text.splitlines() if line and not line.lstrip().startswith("#")
        ]
        assert packages
        assert [line for line in packages if "==" not in line or "--hash=sha256:" not in line] == []

    def test_uses_the_version_of_sam_with_which_the_stack_is_tested(self) -> None:
        locked = (ROOT / "tools" / "locks" / "sam.in").read_text().splitlines()[-1]
        assert f'"{locked}"' in (ROOT / "tools" / "embedded_aws" / "sam.py").read_text()


class TestMakeDeploy:
    def test_deploys_what_is_built_with_the_projects_sam(self, tmp_path: Path) -> None:
        assert deploy_command(tmp_path) == "python tools/deploy.py"

    def test_passes_on_the_stack_and_the_parameters(self, tmp_path: Path) -> None:
        command = deploy_command(tmp_path, "STACK=my stack", "PARAMETERS=AlarmEmail=me@example.com")
        assert command == "python tools/deploy.py --stack 'my stack' AlarmEmail=me@example.com"

    def test_checks_the_same_arguments_before_it_builds(self, tmp_path: Path) -> None:
        *before, deployment = deploy_commands(tmp_path, "STACK=mine", "PARAMETERS=X=a")
        build = next(number for number, line in enumerate(before) if line.endswith("sam build"))
        check = deployment.replace("deploy.py", "deploy.py --check")
        assert check in before[:build]


def deploy_command(folder: Path, *variables: str) -> str:
    """Return the command that `make deploy` would run at last in a copy of the project."""
    return deploy_commands(folder, *variables)[-1]


def deploy_commands(folder: Path, *variables: str) -> list[str]:
    """Return the commands that `make deploy` would run in a copy of the project."""
    return commands_of_make(folder, "deploy", *variables)


def commands_of_make(folder: Path, *arguments: str) -> list[str]:
    """Return the commands that make would run in a copy of the project in which nothing is made."""
    for name in (*NEEDED_BY_MAKE, ".python-version"):
        if not (folder / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    printed = done.stdout.replace("\\\n", " ")
    return [" ".join(line.split()).removeprefix(".venv/bin/") for line in printed.splitlines()]


class TestThePublishedApplication:
    def test_has_the_projects_version(self) -> None:
        assert PUBLISHED["SemanticVersion"] == PROJECT["version"]

    def test_has_an_output_with_the_projects_version(self) -> None:
        assert read_template()["Outputs"]["EmailOpensVersion"]["Value"] == PROJECT["version"]

    def test_has_the_projects_name(self) -> None:
        assert PUBLISHED["Name"] == PROJECT["name"]

    def test_has_the_projects_description(self) -> None:
        assert PUBLISHED["Description"] == PROJECT["description"]

    def test_has_the_projects_license(self) -> None:
        assert PUBLISHED["SpdxLicenseId"] == PROJECT["license"]

    @pytest.mark.parametrize("name", ["LicenseUrl", "ReadmeUrl"])
    def test_links_to_files_of_the_project(self, name: str) -> None:
        assert (ROOT / PUBLISHED[name]).is_file()

    # The formats that the Serverless Application Repository documents.
    @pytest.mark.parametrize(
        ("name", "pattern"),
        [
            ("Name", r"[a-zA-Z0-9-]{1,140}"),
            ("Description", r".{1,256}"),
            ("Author", r"(?=.{1,127}$)[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?"),
            ("SemanticVersion", r"\d+\.\d+\.\d+"),
        ],
    )
    def test_has_the_formats_that_the_repository_accepts(self, name: str, pattern: str) -> None:
        assert re.fullmatch(pattern, PUBLISHED[name])

    def test_has_labels_that_the_repository_accepts(self) -> None:
        labels = PUBLISHED["Labels"]
        accepted = [label for label in labels if re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label)]
        assert accepted == labels
        assert len(labels) <= 10
