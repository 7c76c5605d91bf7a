"""What is kept of a row about a person; the rest is dropped here, before any other code sees it."""

import hashlib
from collections.abc import Callable

from msgspec import Struct

from email_opens.adapters.vendor.replies import values
from email_opens.adapters.vendor.replies.decoding import canonical
from email_opens.model import ContactDetails

MOST_VALUE_CHARACTERS = 100

_IMPERSONAL = frozenset(
    {
        "contact_id",
        "campaign_activity_id",
        "tracking_activity_type",
        "created_time",
        "device_type",
        "deleted_at",
    }
)
"""The fields of a row that do not describe a person."""


type Person = tuple[str | None, str | None, str | None, str | None]
"""What is kept of a contact besides its id: address, first name, last name, hash of the address."""

NOBODY: Person = (None, None, None, None)


def no_salt() -> str:
    """Fail: only hashed addresses need a salt."""
    raise NotImplementedError


class Contacts(Struct, frozen=True):
    """Keeps the personal fields of contacts that the setting CONTACT_DETAILS allows."""

    details: ContactDetails = ContactDetails.FULL
    salt: Callable[[], str] = no_salt
    """Returns the salt of hashes; called only if addresses are hashed."""

    def person(self, email_address: str | None, first_name: object, last_name: object) -> Person:
        """Return what is kept of a row's contact."""
        if self.details is ContactDetails.FULL:
            return email_address, values.name(first_name), values.name(last_name), None
        if self.details is ContactDetails.HASHED and email_address:
            return None, None, None, address_hash(self.salt(), email_address)
        return NOBODY

    def row(self, row: object, text: str) -> str:
        """Return what is kept of a rejected row, whose JSON is `text`."""
        if self.details is ContactDetails.FULL:
            return text
        if not isinstance(row, dict):
            return canonical(f"a {type(row).__name__} whose content is not kept")
        kept = {name: _impersonal(row[name]) for name in sorted(_IMPERSONAL & row.keys())}
        address = row.get("email_address")
        if self.details is ContactDetails.HASHED and isinstance(address, str) and address:
            kept["email_address_hash"] = address_hash(self.salt(), address)
        return canonical(kept)


def address_hash(salt: str, email_address: str) -> str:
    """Return the SHA-256 of a salt and an address in lower case, as 64 hex digits."""
    text = f"{salt}{email_address.strip().lower()}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _impersonal(value: object) -> object:
    """Return a value of a rejected row, unless it could describe a person."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str) and len(value) <= MOST_VALUE_CHARACTERS and "@" not in value:
        return value
    return "not kept"
