"""Only packages with licences that someone has judged are shipped."""

import json
from pathlib import Path
from typing import Any

import pytest

import licences


def sbom(folder: Path, *declared: dict[str, Any]) -> str:
    path = folder / "email-opens.cdx.json"
    component = {"name": "package", "version": "1.0", "licenses": list(declared)}
    path.write_text(json.dumps({"components": [component]}))
    return str(path)


@pytest.mark.parametrize(
    "declared",
    [
        [{"license": {"id": "MIT"}}],
        # A package may declare its licence twice; its SPDX id counts.
        [{"license": {"id": "MPL-2.0"}}, {"license": {"name": "Mozilla Public License"}}],
        [{"license": {"name": "License :: OSI Approved :: BSD License"}}],
    ],
)
def test_a_judged_licence_is_printed(
    tmp_path: Path, declared: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert licences.main([sbom(tmp_path, *declared)]) == 0
    assert "package 1.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("declared", "named"),
    [
        ([{"license": {"id": "GPL-3.0-only"}}], "package 1.0 (GPL-3.0-only)"),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "SSPL-1.0"}}], "(MIT, SSPL-1.0)"),
        ([{"expression": "MIT AND AGPL-3.0-only"}], "(MIT AND AGPL-3.0-only)"),
        ([], "package 1.0 (no licence)"),
    ],
)
def test_any_other_licence_is_refused_by_name(
    tmp_path: Path,
    declared: list[dict[str, Any]],
    named: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert licences.main([sbom(tmp_path, *declared)]) == 1
    assert named in capsys.readouterr().err
