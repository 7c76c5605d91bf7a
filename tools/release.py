"""Put together what a release consists of, in the folder dist: `make release` runs it.

    python tools/release.py [--check] [TAG]

Everything needs to name the same version: the tag, pyproject.toml, the template and the changelog.
The archives are the same for the same files, whenever and wherever they are made.
"""

import argparse
import hashlib
import re
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
LAYER = "EmailOpensLayer"
"""The folder of the layer in the build, named after the template's resource."""
OLDEST = (1980, 1, 1, 0, 0, 0)
"""The first instant that a ZIP archive can hold."""
SECTION = r"^## {version} - \d{{4}}-\d\d-\d\d\n(.+?)(?=^## |\Z)"
NOTES = "notes.md"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make release")
    parser.add_argument("--check", action="store_true", help="only compare the versions")
    parser.add_argument("tag", nargs="?", metavar="TAG", help="such as v0.2.0")
    options = parser.parse_args(arguments)
    try:
        version, notes = check(ROOT, options.tag)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if not options.check:
        dist = ROOT / "dist"
        for made in put_together(ROOT / ".aws-sam" / "build", dist, version, notes):
            print(made.relative_to(ROOT))
    return 0


def check(root: Path, tag: str | None) -> tuple[str, str]:
    """Return the version that everything names, and the changelog's section about it.

    Raises:
        ValueError: the versions differ, or the changelog has no such section.
    """
    version = str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])
    template = (root / "template.yaml").read_text(encoding="utf-8")
    patterns = {
        "the output EmailOpensVersion": r"EmailOpensVersion: \{ Value: ([\w.]+)",
        "SemanticVersion": r"SemanticVersion: ([\w.]+)",
    }
    for place, pattern in patterns.items():
        found = re.search(pattern, template)
        if found is None or found[1] != version:
            raise ValueError(
                f"pyproject.toml names version {version}, but {place} in template.yaml names "
                f"{found[1] if found else 'none'}. Write {version} there."
            )
    if tag is not None and tag != f"v{version}":
        raise ValueError(
            f"The tag is {tag}, but pyproject.toml names version {version}. Tag the commit with "
            f"v{version}, or change the version."
        )
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    section = re.search(
        SECTION.format(version=re.escape(version)), changelog, re.MULTILINE | re.DOTALL
    )
    if section is None:
        raise ValueError(
            f"CHANGELOG.md has no section about this version. Begin it with: "
            f"## {version} - YYYY-MM-DD"
        )
    return version, section[1].strip() + "\n"


def put_together(build: Path, dist: Path, version: str, notes: str) -> list[Path]:
    """Write the archives of a build, the notes and the checksums beside what is in `dist`."""
    dist.mkdir(exist_ok=True)
    archive(build / LAYER, dist / f"email-opens-layer-{version}.zip")
    archive(build, dist / f"email-opens-stack-{version}.zip")
    (dist / NOTES).write_text(notes, encoding="utf-8")
    artefacts = sorted(path for path in dist.iterdir() if path.suffix in {".json", ".whl", ".zip"})
    sums = dist / "SHA256SUMS"
    sums.write_text(
        "".join(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in artefacts
        )
    )
    return [*artefacts, sums, dist / NOTES]


def archive(folder: Path, target: Path) -> None:
    """Write the files of a folder into a ZIP archive, without what differs between two builds."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), OLDEST)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                zipped.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
