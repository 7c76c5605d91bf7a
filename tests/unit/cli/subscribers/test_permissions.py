"""The IAM actions that the page of operations lists for the commands about subscribers."""

import re

from email_opens_cli.deployed.subscribing.plans import ACTIONS, WITH
from tests.integration.deployment import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
SECTION = PAGE.partition("## Permissions for subscribing\n")[2].partition("\n## ")[0]
NOT_REQUESTED = {"iam:PassRole"}
"""SNS requires it of whoever subscribes with a role."""


def test_the_page_lists_each_action_that_an_error_can_name_and_no_other() -> None:
    listed = set(re.findall(r"`([a-z]+:[A-Z][A-Za-z]+)`", SECTION))
    assert listed - NOT_REQUESTED == {*ACTIONS.values(), *WITH.values()}
