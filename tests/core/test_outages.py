"""An outage of the vendor spends few requests, and ends with the first one that is answered."""

from copy import replace
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.allowance.outage import PAUSES
from email_opens.errors import AccountResting, ReportUnavailable, VendorUnavailable
from email_opens.scheduling.choice import Why
from tests.chains import MINUTE
from tests.core.at_the_vendor import OPENS, VendorCore
from tests.core.setup import polls

TWENTIETH = 500
"""Of a day's requests: what an hour of an outage may spend."""


def pass_an_hour(core: VendorCore) -> int:
    """Take a turn a minute for an hour; return how many requests they have sent."""
    before = core.requests
    for _ in range(60):
        core.take_turn()
    return core.requests - before


class TestAnOutage:
    @pytest.mark.parametrize("emails", [1, 2, 3, 60])
    @pytest.mark.parametrize("woken", [False, True], ids=["a turn a minute", "more turns"])
    @pytest.mark.parametrize(
        ("kind", "details"),
        [
            (Kind.STATUS, {"status": 503}),
            (Kind.DROP, {}),
            (Kind.HANG, {"seconds": 15}),
            (Kind.HTML, {"status": 200}),
        ],
    )
    def test_spends_a_twentieth_of_the_day_an_hour_at_most(
        self, emails: int, woken: bool, kind: Kind, details: dict[str, Any]
    ) -> None:
        core = VendorCore(emails, woken=woken)
        core.take_turn()
        core.fail(kind, **details)
        assert max(pass_an_hour(core), pass_an_hour(core)) <= TWENTIETH

    def test_behind_a_gateway_that_forbids_everything_spends_no_more(self) -> None:
        core = VendorCore(60)
        core.fail(status=403, body=b"<html>blocked</html>")
        assert pass_an_hour(core) <= TWENTIETH

    def test_of_the_reports_alone_spends_no_more(self) -> None:
        core = VendorCore(60)
        core.fail(path="/v3/reports/", status=503)
        assert pass_an_hour(core) <= TWENTIETH

    @pytest.mark.parametrize("minutes", [1, 5, 90])
    def test_ends_with_a_poll_within_two_minutes(self, minutes: int) -> None:
        core = VendorCore(60)
        core.take_turn()
        core.fail(status=503)
        for _ in range(minutes):
            core.take_turn()
        core.recover()
        core.open(core.activity_ids[0], 1)
        before = len(core.publisher.published)
        turns = [core.take_turn() for _ in range(2)]
        assert len(core.publisher.published) == before + 1
        assert turns[-1].stopped is None
        assert (core.account.outages, core.account.rests_until) == (0, None)

    def test_pauses_longer_with_each_attempt(self) -> None:
        core = VendorCore(60)
        core.fail(status=503)
        rests = []
        for _ in range(len(PAUSES) + 1):
            turn = core.take_turn()
            assert isinstance(turn.stopped, VendorUnavailable)
            assert turn.stopped.until == core.account.rests_until
            rests.append(core.account.outages)
        assert rests == [1, 2, 3, 4]

    def test_sends_one_request_after_a_pause(self) -> None:
        core = VendorCore(60)
        core.fail(status=503)
        core.take_turn()
        assert [core.take_turn().requests for _ in range(3)] == [1, 1, 1]

    def test_is_tested_with_the_activity_that_was_polled_longest_ago(self) -> None:
        core = VendorCore(4)
        for _ in range(20):  # Otherwise, the other instant would be before the send.
            core.take_turn()
        core.fail(status=503)
        core.take_turn()
        unread = core.activity_ids[2]
        activity = core.tracking.items["default", unread]
        earlier = replace(activity.progress, polled_at=core.clock.now() - 20 * MINUTE)
        core.tracking.save(replace(activity, progress=earlier))
        # Otherwise, the turn would begin with this one.
        worth = core.tracking.items["default", core.activity_ids[0]]
        core.tracking.save(replace(worth, weight=1000.0))
        core.recover()
        turn = core.take_turn()
        assert polls(turn)[0] == (unread, Why.OVERDUE)

    def test_sends_no_request_within_a_pause(self) -> None:
        core = VendorCore(60)
        core.fail(status=503)
        core.take_turn()
        core.clock.sleep(-50)
        turn = core.take_turn()
        assert turn.requests == 0
        assert isinstance(turn.stopped, AccountResting)
        assert "Requests pause while the vendor is unavailable" in (core.account.last_error or "")

    def test_is_not_a_failure_of_the_activity_that_tested_the_vendor(self) -> None:
        core = VendorCore(60)
        core.fail(status=503)
        core.take_turn()
        assert core.take_turn().failures == []


class TestActivitiesThatFailOnTheirOwn:
    @pytest.mark.parametrize("broken", [1, 3, 5])
    @pytest.mark.parametrize("headers", [{}, {"Retry-After": "600"}], ids=["plain", "asks"])
    def test_delay_the_others_by_one_pause_at_most(
        self, broken: int, headers: dict[str, str]
    ) -> None:
        core = VendorCore(broken + 1)
        core.take_turn()
        for activity_id in core.activity_ids[:broken]:
            core.open(activity_id, 1)  # Its counter moves, so it is polled in each turn.
            core.fail(path=activity_id, status=503, headers=headers)
        for _ in range(12):
            core.take_turn()
        published = []
        for _ in range(20):
            core.open(core.activity_ids[-1], 1)
            core.take_turn()
            published.append(len(core.publisher.published))
        assert published == list(range(1, 21))

    def test_are_asked_once_a_turn(self) -> None:
        core = VendorCore(2)
        core.take_turn()
        core.open(core.activity_ids[0], 1)  # Its counter moves, so it is polled in each turn.
        core.fail(path=core.activity_ids[0], status=503)
        core.take_turn()
        before = core.requests
        turn = core.take_turn()
        assert [type(failure.error) for failure in turn.failures] == [ReportUnavailable]
        assert core.requests - before <= 4
        assert core.account.outages == 0


def test_only_counters_that_fail_stop_no_poll() -> None:
    core = VendorCore(3)
    core.fail(path="/stats/", status=503)
    core.open(core.activity_ids[0], 5)
    for _ in range(3):
        assert core.take_turn().stopped is None
    assert len(core.publisher.published) == 5


def test_a_request_that_failed_in_the_turn_before_the_end_of_an_outage_is_repeated() -> None:
    core = VendorCore(1)
    core.fail(path=OPENS, status=503)
    core.take_turn()
    core.recover()
    core.open(core.activity_ids[0], 2)
    core.take_turn()
    assert len(core.publisher.published) == 2
    assert core.world() == core.began + 2 * MINUTE
