"""The templates, programs and statements of the recipes, as the pages show them."""

import re

from tests.integration.deployment import ROOT
from tests.unit.pages.shown import blocks

RECIPES = (ROOT / "docs" / "recipes.md").read_text()
SUBSCRIBERS = (ROOT / "docs" / "subscribers.md").read_text()
QUEUE = "Receive the events in a queue"
"""The heading of the template that creates a queue."""


def recipe(heading: str, language: str, *, page: str = RECIPES) -> list[str]:
    """Return the blocks below a heading, down to the next heading."""
    section = rf"^##+ {re.escape(heading)}\n(.*?)(?=^##+ |\Z)"
    found = re.search(section, page, re.MULTILINE | re.DOTALL)
    assert found, f"There is no heading {heading!r}."
    return blocks(found[1], language)


def queue_template(*, added: str = "", to_queues: str = "") -> str:
    """Return the template of a queue, with resources and with properties of both its queues."""
    template = recipe(QUEUE, "yaml", page=SUBSCRIBERS)[0]
    properties = "".join(f"      {line}\n" for line in to_queues.splitlines())
    template = re.sub(r"(Type: AWS::SQS::Queue\n    Properties:\n)", rf"\1{properties}", template)
    return template.replace("Resources:\n", f"Resources:\n{added}")


def with_filter(template: str, policy: str) -> str:
    """Add a filter policy to the subscription of a template."""
    delivery = "      RawMessageDelivery: true\n"
    assert delivery in template
    indented = "".join(f"      {line}\n" for line in policy.splitlines())
    return template.replace(delivery, delivery + indented)
