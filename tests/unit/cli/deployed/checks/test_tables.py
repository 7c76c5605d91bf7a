"""What doctor says of stored activities that this version cannot read."""

from types import SimpleNamespace
from typing import Any

from email_opens.model import State
from email_opens_cli.deployed.checks.finding import Finding
from email_opens_cli.deployed.checks.tables import activities
from tests.contract.samples import ACTIVITY, varied
from tests.fakes import MemoryTracking


def findings(state: State, last_error: str) -> list[Finding]:
    tracking = MemoryTracking()
    tracking.add(varied(ACTIVITY, campaign_activity_id="read"))
    tracking.add(varied(ACTIVITY, state=state, last_error=last_error))
    product = SimpleNamespace(tracking=tracking)
    deployment: Any = SimpleNamespace(product=product, account_id="default")
    return list(activities(deployment))


def test_an_item_of_a_newer_version_is_a_failure_whose_remedy_is_that_version() -> None:
    newer, rest = findings(State.NEWER, "The item has schema 2.")
    assert newer.result == "failed"
    assert "The item has schema 2." in newer.what
    assert (
        newer.remedy == "Deploy the newer version again; until then, the other e-mails are polled."
    )
    assert rest.result == "ok"


def test_a_malformed_item_is_a_failure_whose_remedy_is_to_track_it_anew() -> None:
    broken, rest = findings(State.BROKEN, "Its watermark is malformed.")
    assert (broken.result, rest.result) == ("failed", "ok")
    assert "untrack" in (broken.remedy or "")
