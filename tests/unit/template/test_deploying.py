"""What deploys and publishes the product, held against what the project holds."""

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
ANSWERS = '\nparameter_overrides = "AccountId=\\"default\\""\n'
"""What SAM adds to the last section of samconfig.toml when it has asked."""


def made(job: dict[str, Any]) -> Iterator[str]:
    """Yield the targets that a job makes, those of its matrix too."""
    for step in job.get("steps", []):
        for target in re.findall(r"^make (.+)$", step.get("run", ""), re.MULTILINE):
            if target == "${{ matrix.target }}":
                yield from job["strategy"]["matrix"]["target"]
            else:
                yield target


class TestTheWorkflows:
    @pytest.mark.parametrize("job", JOBS)
    def test_make_only_what_the_makefile_has(self, job: str) -> None:
        assert set(made(JOBS[job])) <= set(TARGETS)

    def test_make_all_that_a_change_must_pass(self) -> None:
        assert list(made(JOBS["test.yml: test"])) == ["check", "test"]

    def test_deploy_only_what_is_tested(self) -> None:
        needed = JOBS[f"deploy.yml: {JOBS['deploy.yml: deploy']['needs']}"]
        assert needed["uses"] == "./.github/workflows/test.yml"

    def test_deploy_under_the_protection_of_an_environment(self) -> None:
        assert JOBS["deploy.yml: deploy"]["environment"] == "production"

    @pytest.mark.parametrize("step", [name for name, step in STEPS.items() if "uses" in step])
    def test_name_each_action_by_its_commit(self, step: str) -> None:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", STEPS[step]["uses"])

    @pytest.mark.parametrize("name", WORKFLOWS)
    def test_may_only_read_unless_a_job_says_otherwise(self, name: str) -> None:
        assert WORKFLOWS[name]["permissions"] == {"contents": "read"}

    def test_ask_for_a_token_only_where_it_is_exchanged(self) -> None:
        asking = [name for name, job in JOBS.items() if "id-token" in job.get("permissions", {})]
        exchanging = [
            name
            for name, job in JOBS.items()
            for step in job.get("steps", [])
            if "role-to-assume" in step.get("with", {})
        ]
        assert asking == exchanging == ["deploy.yml: deploy"]

    @pytest.mark.parametrize("name", WORKFLOWS)
    def test_know_no_stored_key(self, name: str) -> None:
        assert "secrets." not in (ROOT / ".github" / "workflows" / name).read_text()


class TestMakeDeploy:
    def test_asks_the_first_time(self, tmp_path: Path) -> None:
        assert deploying(tmp_path).endswith("sam deploy --guided")

    def test_asks_no_more_once_samconfig_has_the_answers(self, tmp_path: Path) -> None:
        assert deploying(tmp_path, ANSWERS).endswith("sam deploy")

    @pytest.mark.parametrize("answers", ["", ANSWERS])
    def test_never_asks_in_ci(self, tmp_path: Path, answers: str) -> None:
        assert deploying(tmp_path, answers, "CI=true").endswith(
            "sam deploy --no-confirm-changeset --no-fail-on-empty-changeset"
        )


def deploying(folder: Path, answers: str = "", *given: str) -> str:
    """Return the command by which `make deploy` would deploy from a copy of the project."""
    for name in NEEDED_BY_MAKE:
        shutil.copy(ROOT / name, folder)
    (folder / ".python-version").touch()
    with (folder / "samconfig.toml").open("a") as samconfig:
        samconfig.write(answers)
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "deploy", *(given or ["CI="])],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1].rstrip()


class TestWhatIsPublished:
    def test_has_the_projects_version(self) -> None:
        assert PUBLISHED["SemanticVersion"] == PROJECT["version"]

    def test_has_the_projects_name(self) -> None:
        assert PUBLISHED["Name"] == PROJECT["name"]

    def test_has_the_projects_description(self) -> None:
        assert PUBLISHED["Description"] == PROJECT["description"]

    def test_has_the_projects_license(self) -> None:
        assert PUBLISHED["SpdxLicenseId"] == PROJECT["license"]

    @pytest.mark.parametrize("name", ["LicenseUrl", "ReadmeUrl"])
    def test_shows_files_of_the_project(self, name: str) -> None:
        assert (ROOT / PUBLISHED[name]).is_file()

    # What the Serverless Application Repository takes, by its documentation.
    @pytest.mark.parametrize(
        ("name", "pattern"),
        [
            ("Name", r"[a-zA-Z0-9-]{1,140}"),
            ("Description", r".{1,256}"),
            ("Author", r"(?=.{1,127}$)[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?"),
            ("SemanticVersion", r"\d+\.\d+\.\d+"),
        ],
    )
    def test_is_written_as_the_repository_takes_it(self, name: str, pattern: str) -> None:
        assert re.fullmatch(pattern, PUBLISHED[name])

    def test_has_labels_as_the_repository_takes_them(self) -> None:
        labels = PUBLISHED["Labels"]
        taken = [one for one in labels if re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", one)]
        assert taken == labels
        assert len(labels) <= 10
