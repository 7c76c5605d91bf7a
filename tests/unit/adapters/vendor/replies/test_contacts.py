"""What is kept of a contact by each setting of CONTACT_DETAILS."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.adapters.vendor.replies.contacts import Contacts, address_hash
from email_opens.adapters.vendor.replies.rows import Rows, decode
from email_opens.model import ContactDetails, Open, RejectedRow

ACTIVITY = "5b1e0a52-0000-4000-8000-0000000000aa"
SALT = "0123456789abcdef"
ROW = {
    "contact_id": "c-1",
    "campaign_activity_id": ACTIVITY,
    "tracking_activity_type": "em_opens",
    "email_address": "Bo@Example.com",
    "first_name": "Bo",
    "last_name": "Lund",
    "device_type": "mobile",
    "created_time": "2026-03-02T14:07:00.000Z",
}
PERSONAL = ("Bo", "Lund", "Example", "example")
HASH = hashlib.sha256(f"{SALT}bo@example.com".encode()).hexdigest()


def contacts(details: str) -> Contacts:
    return Contacts(ContactDetails(details), lambda: SALT)


def rows(details: str, *found: object) -> Rows:
    body = json.dumps({"tracking_activities": found}).encode()
    return decode(body, ACTIVITY, contacts(details))


def opened(details: str, **changes: Any) -> Open:
    (found,) = rows(details, ROW | changes).opens
    return found


def rejected(details: str, row: object) -> RejectedRow:
    (found,) = rows(details, row).rejected
    return found


def person(found: Open) -> tuple[str | None, ...]:
    return found.email_address, found.first_name, found.last_name, found.email_address_hash


class TestAnOpen:
    def test_has_address_and_name_with_full_details(self) -> None:
        assert person(opened("full")) == ("Bo@Example.com", "Bo", "Lund", None)

    def test_has_only_the_hash_of_the_address_with_hashed_details(self) -> None:
        assert person(opened("hashed")) == (None, None, None, HASH)

    def test_has_nothing_without_details(self) -> None:
        assert person(opened("none")) == (None, None, None, None)

    @pytest.mark.parametrize("details", ContactDetails)
    def test_of_an_erased_contact_has_neither_address_nor_hash(self, details: str) -> None:
        found = opened(details, email_address=None, first_name=None, last_name=None)
        assert person(found) == (None, None, None, None)

    @pytest.mark.parametrize("name", [7, None, "", "  ", ["Bo"], {"Bo": 1}])
    def test_is_kept_without_a_name_that_is_malformed(self, name: object) -> None:
        assert opened("full", first_name=name).first_name is None

    def test_has_a_name_that_can_be_encoded(self) -> None:
        name = opened("full", first_name="B\ud800o").first_name
        assert name == "B?o"

    def test_is_the_same_open_with_any_details(self) -> None:
        found = [opened(details) for details in ContactDetails]
        assert len({(each.contact_id, each.created_time, each.device_type) for each in found}) == 1


class TestTheHash:
    def test_is_that_of_the_address_in_lower_case(self) -> None:
        assert opened("hashed", email_address=" bo@EXAMPLE.com").email_address_hash == HASH

    def test_depends_on_the_salt(self) -> None:
        assert address_hash("other", "bo@example.com") != HASH

    def test_needs_no_salt_with_other_details(self) -> None:
        for details in (ContactDetails.FULL, ContactDetails.NONE):
            assert Contacts(details).person("bo@example.com", "Bo", "Lund")


class TestARejectedRow:
    def test_is_kept_whole_with_full_details(self) -> None:
        row = ROW | {"created_time": "yesterday"}
        assert json.loads(rejected("full", row).row) == row

    @pytest.mark.parametrize("details", ["hashed", "none"])
    def test_is_kept_without_what_is_personal(self, details: str) -> None:
        found = rejected(details, ROW | {"created_time": "yesterday", "note": "Bo Lund"})
        assert not any(word in found.row for word in PERSONAL)
        assert json.loads(found.row)["contact_id"] == "c-1"
        assert json.loads(found.row)["created_time"] == "yesterday"

    def test_has_the_hash_with_hashed_details(self) -> None:
        found = rejected("hashed", ROW | {"created_time": "yesterday"})
        assert json.loads(found.row)["email_address_hash"] == HASH

    @pytest.mark.parametrize(
        "value", ["bo@example.com", "x" * 101, ["bo@example.com"], {"Bo": "Lund"}]
    )
    def test_does_not_keep_a_value_that_may_be_personal(self, value: object) -> None:
        found = rejected("none", ROW | {"created_time": value})
        assert json.loads(found.row)["created_time"] == "not kept"

    @pytest.mark.parametrize("row", ["Bo Lund", ["bo@example.com"], 7, None])
    def test_that_is_no_object_is_kept_by_its_type_only(self, row: object) -> None:
        found = rejected("none", row)
        assert "whose content is not kept" in found.row

    def test_has_the_same_identity_with_any_details(self) -> None:
        row = ROW | {"device_type": "mobile", "contact_id": 7}
        assert len({rejected(details, row).identity for details in ContactDetails}) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    details=st.sampled_from(["hashed", "none"]),
    changes=st.dictionaries(st.sampled_from([*ROW, "custom"]), _JSON, max_size=4),
)
def test_no_row_of_any_form_lets_an_address_or_a_name_through(
    details: str, changes: dict[str, Any]
) -> None:
    row = ROW | {"first_name": "Zebulon", "custom": "Zebulon"} | changes
    found = rows(details, row)
    kept = json.dumps(
        [*(person(each) for each in found.opens), *(each.row for each in found.rejected)]
    )
    assert "@" not in kept
    assert "Zebulon" not in kept
