"""A table loses items, or is deleted: the page's commands bring back what it held."""

from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.recovery.drill import Drill, without_doctor
from tests.e2e.recovery.shell import section

EXPIRY = {"AttributeName": "expires_at", "TimeToLiveStatus": "ENABLED"}

each_table = pytest.mark.parametrize("output", ["TrackingTable", "LedgerTable"])


def chosen(block: str, output: str) -> str:
    """Return a block with a table chosen, as its comment says."""
    choice = 'TABLE="$TrackingTable"   # or "$LedgerTable"'
    assert choice in block
    return block.replace(choice, f'TABLE="${output}"')


def restore(drill: Drill, output: str) -> None:
    """Restore the state of now, as the page does later: the emulated AWS keeps no earlier ones."""
    blocks = section("Restore a table to an earlier time")
    drill.shell.paste(chosen(blocks[0], output))


def copy_back(drill: Drill) -> None:
    blocks = section("Restore a table to an earlier time")
    drill.shell.paste(*section("Copy the items of a table"), blocks[1])


def delete_restored(drill: Drill) -> None:
    drill.shell.paste(section("Restore a table to an earlier time")[2])


@each_table
def test_a_restored_table_loses_and_repeats_no_open_that_the_other_items_hold(
    drill: Drill, output: str
) -> None:
    drill.turn_publishes(drill.open())
    restore(drill, output)
    drill.turn_publishes(drill.open())
    if output == "TrackingTable":
        drill.place.delete_items(output)
    drill.stop()
    meanwhile = drill.open()
    drill.turn_publishes_nothing()
    copy_back(drill)
    drill.start()
    drill.turn_publishes(meanwhile | drill.open())
    delete_restored(drill)
    drill.turn_publishes_nothing()
    assert drill.repeated == set()


def test_a_restored_ledger_repeats_what_was_published_later_and_lost_as_well(drill: Drill) -> None:
    drill.turn_publishes(drill.open())
    restore(drill, "LedgerTable")
    later = drill.open()
    drill.turn_publishes(later)
    drill.stop()
    drill.place.delete_items("LedgerTable")
    meanwhile = drill.open()
    copy_back(drill)
    drill.start()
    drill.turn_publishes(later | meanwhile)
    delete_restored(drill)
    drill.turn_publishes(drill.open())
    assert drill.repeated == later


@each_table
def test_a_deleted_table_is_restored_as_it_was_and_nothing_is_lost_or_repeated(
    drill: Drill, output: str
) -> None:
    before, first = drill.place.table(output), drill.open()
    drill.turn_publishes(first)
    drill.place.delete_table(output)
    meanwhile = drill.open()
    with suppress(ClientError):
        drill.turn()
    assert not drill.collect()
    backup, settings = section("A table was deleted")
    drill.shell.paste(chosen(backup, output))
    lines = without_doctor(settings)
    if output == "TrackingTable":
        lines = lines.partition("aws dynamodb update-time-to-live")[0]
    drill.shell.paste(lines)
    drill.turn_publishes(meanwhile | drill.open())
    assert drill.repeated == set()
    # The emulated AWS ignores these properties of the template.
    ignored: dict[str, Any] = {"recovery": "ENABLED"}
    if output == "LedgerTable":
        ignored["expiry"] = EXPIRY
    assert drill.place.table(output) == {**before, **ignored}
