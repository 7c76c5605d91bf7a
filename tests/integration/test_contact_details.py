"""With each setting of CONTACT_DETAILS, nothing that the product sends or writes has more."""

import hashlib
import json
from typing import Any

import pytest

from constant_contact_emulator import Contact
from email_opens.adapters.aws.publishing.messages import MOST_BYTES
from email_opens.adapters.aws.salt import NAME
from tests.integration.deployment import Deployment

BO = Contact("c-1", "Bo@example.com", "Bo", "Lund")


def everything(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, details: str) -> Any:
    """Publish an open, one that is too large, and a malformed row; return what was sent."""
    monkeypatch.setenv("CONTACT_DETAILS", details)
    activity_id = deployment.send()
    world = deployment.vendor.world
    world.add_open(activity_id, BO)
    world.add_open(activity_id, Contact("c" * MOST_BYTES, "Bo@example.com", "Bo", "Lund"))
    world.add_raw_row(activity_id, {"email_address": "Bo@example.com", "first_name": "Bo"})
    deployment.invoke()
    events = [event["data"] for event in deployment.received()]
    return events, deployment.dead_letters()


def test_full_details_are_published(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (event,), letters = everything(deployment, monkeypatch, "full")
    assert (event["email_address"], event["first_name"], event["last_name"]) == (
        "Bo@example.com",
        "Bo",
        "Lund",
    )
    assert json.dumps(letters).count("Bo@example.com") == 2


@pytest.mark.parametrize("details", ["hashed", "none"])
def test_other_details_let_neither_address_nor_name_through(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, details: str
) -> None:
    events, letters = everything(deployment, monkeypatch, details)
    sent = json.dumps([events, letters])
    assert (len(events), len(letters)) == (1, 2)
    assert "example.com" not in sent
    assert "Lund" not in sent
    assert "Bo" not in sent


def test_the_hash_can_be_computed_from_the_stored_salt(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (event,), _ = everything(deployment, monkeypatch, "hashed")
    name = deployment.aws.credentials_prefix + NAME
    salt = deployment.aws.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    expected = hashlib.sha256(f"{salt}bo@example.com".encode()).hexdigest()
    assert event["email_address_hash"] == expected


def test_the_salt_is_not_taken_for_an_account(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(deployment, monkeypatch, "hashed")
    listed = deployment.aws.ssm.get_parameters_by_path(Path=deployment.aws.credentials_prefix[:-1])
    names = [parameter["Name"] for parameter in listed["Parameters"]]
    assert names == [f"{deployment.aws.credentials_prefix}default"]
