"""Values at their bounds."""

from datetime import datetime, timedelta

import pytest

from email_opens.adapters.vendor.replies.values import (
    EARLIEST,
    LATEST,
    MOST_COUNTED,
    count,
    instant,
)
from email_opens.instants import iso

MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize("bound", [EARLIEST, LATEST])
def test_an_instant_may_be_a_bound(bound: datetime) -> None:
    assert instant(iso(bound)) == bound


@pytest.mark.parametrize("beyond", [EARLIEST - MILLISECOND, LATEST + MILLISECOND])
def test_an_instant_beyond_its_bounds_is_none(beyond: datetime) -> None:
    assert instant(iso(beyond)) is None


@pytest.mark.parametrize("bound", [0, MOST_COUNTED])
def test_a_count_may_be_a_bound(bound: int) -> None:
    assert count(bound) == count(str(bound)) == bound


@pytest.mark.parametrize("beyond", [-1, MOST_COUNTED + 1])
def test_a_count_beyond_its_bounds_is_none(beyond: int) -> None:
    assert count(beyond) is None
