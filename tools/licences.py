"""Print the licences of an SBOM's packages, and refuse those that nobody has judged.

python tools/licences.py FILE.cdx.json …
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

JUDGED = frozenset(
    {
        *("MIT", "MIT-0", "ISC", "PSF-2.0"),
        *("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause"),
        # Classifiers of packages that name no SPDX expression.
        "License :: OSI Approved :: Apache Software License",
        "License :: OSI Approved :: BSD License",
        # Its terms concern changes of its own files, and email-opens changes none.
        "MPL-2.0",
    }
)
"""The licences under which a package may be shipped beside Apache-2.0."""


def main(arguments: Sequence[str]) -> int:
    """Print a table of each file; return 1 if a package has no licence that is judged."""
    unjudged: list[str] = []
    for path in arguments:
        components = json.loads(Path(path).read_text(encoding="utf-8"))["components"]
        print(f"\n{Path(path).name}")
        for component in sorted(components, key=lambda each: str(each["name"]).lower()):
            name, found = f"{component['name']} {component['version']}", licences(component)
            print(f"  {name:<36} {', '.join(found)}")
            if not found or not set(found) <= JUDGED:
                unjudged.append(f"{name} ({', '.join(found) or 'no licence'})")
    if unjudged:
        print(
            f"These packages have licences that are not judged yet: {'; '.join(unjudged)}.\n"
            "Read each licence; if the package may be shipped, add the licence to JUDGED in "
            "tools/licences.py.",
            file=sys.stderr,
        )
    return 1 if unjudged else 0


def licences(component: dict[str, Any]) -> list[str]:
    """Return the SPDX expressions or ids of a component, else the names that it declares."""
    declared = component.get("licenses", [])
    expressions = [each["expression"] for each in declared if "expression" in each]
    ids = [each["license"]["id"] for each in declared if "id" in each.get("license", {})]
    names = [each["license"]["name"] for each in declared if "name" in each.get("license", {})]
    return expressions or ids or names


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
