"""What versions of the code may do with one another's items.

Each kind of item has a schema number, 1 if it has none. It is raised only for a change that an
older version would get wrong; attributes that may be ignored are added without raising it. So a
version

- reads items of its own schema and of older ones,
- keeps the attributes that it does not read: `unknown_of` returns them, the value that was read
  carries them, and the writer of its record adds them again,
- leaves an item of a newer schema as it is, and says so by name: `refuse_newer`.
"""

from collections.abc import Collection

from email_opens.adapters.records.attributes import (
    Malformed,
    Record,
    StoredRecord,
    whole_number,
)
from email_opens.unknown import NOTHING, Unknown

FIRST_SCHEMA = 1
"""The schema of items without a number."""


class NewerSchema(ValueError):
    """A newer version stored an item; the message says so in sentences that name the remedy."""


def schema_record(schema: int) -> Record:
    """Write the schema of an item."""
    return {"schema": {"N": str(schema)}}


def refuse_newer(record: StoredRecord, understood: int, item: str) -> None:
    """Refuse an item of a newer schema; `item` names it, and begins a sentence.

    Raises:
        NewerSchema: its schema is newer than the one that is understood.
        Malformed: its schema is not a number from 1.
    """
    schema = whole_number(record, "schema")
    if schema is not None:
        refuse_newer_number(schema, understood, item)


def refuse_newer_number(schema: int, understood: int, item: str) -> None:
    """Refuse a schema as `refuse_newer` does."""
    if schema < FIRST_SCHEMA:
        raise Malformed("its schema is not a number from 1")
    if schema > understood:
        raise NewerSchema(
            f"{item} has schema {schema}, and this version of email-opens understands schema "
            f"{understood}. Deploy or start the newer version again; the changelog names the first "
            f"release that understands schema {schema}. Until then nothing changes the item."
        )


def newer_value(item: str, name: str) -> NewerSchema:
    """Return the error for a value of an attribute that only a newer version can have stored."""
    return NewerSchema(
        f"{item} has a {name} that this version of email-opens does not understand, so a newer "
        "version has stored it. Deploy or start the newer version again. Until then nothing "
        "changes the item."
    )


def unknown_of(record: StoredRecord, known: Collection[str]) -> Unknown:
    """Return the attributes of a record that this version does not read."""
    return {name: value for name, value in record.items() if name not in known} or NOTHING
