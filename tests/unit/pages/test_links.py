"""Every link in a page leads to a file, and to a heading of it."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.deployment import ROOT
from tests.unit.pages.shown import PAGES, prose

MARKDOWN = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LINKS = [
    (page, target)
    for page in PAGES
    for target in dict.fromkeys(MARKDOWN.findall(prose(page.read_text())))
    if not target.startswith(("https://", "http://"))
]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page.read_text()), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


@pytest.mark.parametrize(("page", "target"), LINKS, ids=[f"{p.name}: {t}" for p, t in LINKS])
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    linked = (page.parent / path).resolve() if path else page
    assert linked.exists()
    assert linked.is_relative_to(ROOT)
    if anchor:
        assert anchor in anchors(linked)


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = [(page.parent / t.partition("#")[0]).resolve() for p, t in LINKS if p == page]
        for target in targets:
            waiting += sorted(target.glob("*.md")) if target.is_dir() else [target]
    assert set(PAGES) <= reached


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
