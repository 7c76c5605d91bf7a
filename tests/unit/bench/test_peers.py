"""What `bench.peers` counts as lost and as repeated, and the worlds that it plays."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from bench.peers.counting import Difference, OpenKey, difference, last_state, open_of
from bench.peers.tables import spread
from bench.peers.worlds import Appear, Poll, Row, World, steadily, worlds

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ROW = {"contact_id": "a", "created_time": "2026-03-02T12:00:00.000Z", "device_type": "mobile"}
OPEN = OpenKey("a", NOON, "mobile")
OTHER = OpenKey("b", NOON, None)
LINE = json.dumps(ROW)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(ROW, id="the row by itself"),
        pytest.param({"type": "email.opened", "data": ROW}, id="email-opens"),
        pytest.param({"type": "RECORD", "stream": "opens", "record": ROW}, id="Singer"),
        pytest.param({"type": "RECORD", "record": {"stream": "opens", "data": ROW}}, id="Airbyte"),
        pytest.param(ROW | {"_dlt_id": "x", "created_time": "2026-03-02T12:00:00Z"}, id="dlt"),
        pytest.param(ROW | {"created_time": "2026-03-02T07:00:00-05:00"}, id="another zone"),
    ],
)
def test_an_open_is_the_same_in_the_lines_of_every_client(message: dict[str, Any]) -> None:
    assert open_of(json.dumps(message)) == OPEN


def test_a_device_may_be_missing_or_null() -> None:
    without = {"contact_id": "b", "created_time": "2026-03-02T12:00:00Z"}
    assert open_of(json.dumps(without)) == open_of(json.dumps(without | {"device_type": None}))
    assert open_of(json.dumps(without)) == OTHER


@pytest.mark.parametrize(
    "line",
    ['{"type": "STATE", "value": {}}', '{"type": "LOG", "log": {}}', LINE[:-5], "12", "", "null"],
)
def test_a_line_without_an_open_counts_as_none(line: str) -> None:
    assert open_of(line) is None


def test_a_row_without_a_line_is_lost_and_a_second_line_repeats_it() -> None:
    assert difference([OPEN, OTHER], [LINE, LINE]) == Difference(lost=1, repeated=1)


def test_twins_are_two_opens() -> None:
    assert difference([OPEN, OPEN], [LINE]) == Difference(lost=1, repeated=0)
    assert difference([OPEN, OPEN], [LINE, LINE]) == Difference(lost=0, repeated=0)


def test_the_lines_of_a_killed_client_count_as_far_as_they_are_whole() -> None:
    assert difference([OPEN], [LINE, LINE[:20]]) == Difference(lost=0, repeated=0)


def test_a_client_continues_from_the_last_state_that_it_wrote_whole() -> None:
    states = [json.dumps({"type": "STATE", "value": number}) for number in (1, 2, 3)]
    lines = [states[0], LINE, states[1], '"STATE" in the text of a log', states[2][:-2]]
    assert last_state(lines) == {"type": "STATE", "value": 2}


def test_a_client_that_wrote_no_state_begins_anew() -> None:
    assert last_state([LINE]) is None


def test_rows_are_spread_evenly_over_the_minutes_oldest_first() -> None:
    rows = steadily(count(), rows=6, minutes=3, newest=10)
    assert [row.minutes_ago for row in rows] == [12, 12, 11, 11, 10, 10]
    assert [row.contact for row in rows] == list(range(6))


def test_the_rows_of_a_world_include_those_that_appear_during_a_poll() -> None:
    first, second, third = (Row(contact, 0) for contact in range(3))
    world = World([Appear([first]), Poll({2: [second], 3: [third]}), Poll()])
    assert list(world.rows()) == [first, second, third]


@pytest.mark.parametrize("name", worlds(waiting=True))
def test_no_row_of_a_world_is_older_than_its_e_mail_or_in_the_future(name: str) -> None:
    keys = [row.key(NOON) for row in worlds(waiting=True)[name].rows()]
    assert NOON - timedelta(days=1) < min(key.created for key in keys)
    assert max(key.created for key in keys) <= NOON


@pytest.mark.parametrize("name", sorted(set(worlds(waiting=True)) - {"twins"}))
def test_only_the_world_of_twins_has_rows_that_are_alike(name: str) -> None:
    keys = [row.key(NOON) for row in worlds(waiting=True)[name].rows()]
    assert len(set(keys)) == len(keys)


def test_a_figure_is_a_median_with_its_range() -> None:
    assert spread([3.0, 1.0, 2.0], 1) == "2.0 (1.0 to 3.0)"
    assert spread([2.0, 2.0]) == "2"
