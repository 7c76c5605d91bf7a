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
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PUBLISHED: dict[str, Any] = read_template()["Metadata"]["AWS::ServerlessRepo::Application"]

NEEDED_BY_MAKE = ("Makefile", "samconfig.toml", "pyproject.toml", "requirements-dev.txt")


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
    for name in NEEDED_BY_MAKE:
        shutil.copy(ROOT / name, folder)
    (folder / ".python-version").touch()
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "deploy", *variables],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [" ".join(line.split()).removeprefix(".venv/bin/") for line in done.stdout.splitlines()]


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
