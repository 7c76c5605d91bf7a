"""What a release consists of, and that everything names its version."""

import hashlib
import os
import re
import zipfile
from pathlib import Path

import pytest
import yaml

from release import archive, check, put_together
from tests.integration.deployment import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
CHANGELOG = "# Changelog\n\n## 0.2.0 - 2026-11-28\n\n- New.\n\n## 0.1.0 - 2026-03-01\n\n- Old.\n"


def project(folder: Path, *, version: str = "0.2.0", changelog: str = CHANGELOG) -> Path:
    """Write the files that name a version."""
    (folder / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
    (folder / "template.yaml").write_text(
        "EmailOpensVersion: { Value: 0.2.0, Description: … }\nSemanticVersion: 0.2.0\n"
    )
    (folder / "CHANGELOG.md").write_text(changelog)
    return folder


class TestTheVersion:
    def test_of_this_project_is_the_same_everywhere(self) -> None:
        version, notes = check(ROOT, None)
        assert version
        assert notes

    def test_has_the_notes_of_its_section_alone(self, tmp_path: Path) -> None:
        assert check(project(tmp_path), "v0.2.0") == ("0.2.0", "- New.\n")

    def test_is_refused_if_the_tag_is_another(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"The tag is v0\.3\.0, but .* Tag .* v0\.2\.0"):
            check(project(tmp_path), "v0.3.0")

    def test_is_refused_if_the_template_names_another(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"the output EmailOpensVersion .* names 0\.2\.0"):
            check(project(tmp_path, version="0.3.0"), None)

    def test_is_refused_if_the_changelog_has_no_section_about_it(self, tmp_path: Path) -> None:
        unreleased = CHANGELOG.replace("0.2.0 - 2026-11-28", "Unreleased")
        with pytest.raises(ValueError, match=r"Begin it with: ## 0\.2\.0 - YYYY-MM-DD"):
            check(project(tmp_path, changelog=unreleased), None)


def built(folder: Path, modified: float) -> Path:
    """Write a small build, as of an instant."""
    layer = folder / "build" / "EmailOpensLayer" / "python"
    layer.mkdir(parents=True)
    for path in (layer / "module.py", folder / "build" / "template.yaml"):
        path.write_text("x")
        os.utime(path, (modified, modified))
    return folder / "build"


class TestAnArchive:
    def test_is_the_same_whenever_it_is_made(self, tmp_path: Path) -> None:
        made = []
        for number, modified in enumerate((0.0, 1.7e9)):
            (folder := tmp_path / str(number)).mkdir()
            archive(built(folder, modified), folder / "made.zip")
            made.append((folder / "made.zip").read_bytes())
        assert made[0] == made[1]

    def test_of_the_layer_begins_where_lambda_unpacks_it(self, tmp_path: Path) -> None:
        put_together(built(tmp_path, 0), tmp_path / "dist", "0.2.0", "- New.\n")
        with zipfile.ZipFile(tmp_path / "dist" / "email-opens-layer-0.2.0.zip") as layer:
            assert layer.namelist() == ["python/module.py"]


def test_every_artefact_has_a_checksum(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "email_opens-0.2.0-py3-none-any.whl").write_bytes(b"wheel")
    (dist / "email-opens.cdx.json").write_bytes(b"{}")
    made = put_together(built(tmp_path, 0), dist, "0.2.0", "- New.\n")
    lines = (line.split("  ") for line in (dist / "SHA256SUMS").read_text().splitlines())
    sums = {name: checksum for checksum, name in lines}
    assert sums == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in made
        if path.name not in {"SHA256SUMS", "notes.md"}
    }
    assert len(sums) == 4


class TestTheWorkflow:
    JOB = WORKFLOW["jobs"]["release"]

    def test_releases_only_a_tag_that_has_passed_the_tests(self) -> None:
        assert WORKFLOW[True] == {"push": {"tags": ["v*"]}}
        assert WORKFLOW["jobs"][self.JOB["needs"]]["uses"] == "./.github/workflows/test.yml"

    def test_signs_the_provenance_before_it_publishes(self) -> None:
        steps = [step.get("uses") or step["run"] for step in self.JOB["steps"]]
        order = [
            next(number for number, step in enumerate(steps) if re.match(pattern, step))
            for pattern in ("make release", "actions/attest-build-provenance", "gh release create")
        ]
        assert order == sorted(order)
