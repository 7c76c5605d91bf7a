from copy import replace
from datetime import datetime, timedelta

import pytest

from email_opens.discovery.campaigns import (
    Campaign,
    CampaignActivity,
    Forgotten,
    Place,
    SearchMemory,
    SeenCampaign,
    Summary,
)
from email_opens.discovery.selection import (
    MOST_RETRIES,
    Names,
    after_failure,
    first_tracked,
    floor_of,
    is_forgotten,
    last_sends,
    recent,
    renewed,
    still_needed,
    to_read,
    trackable,
)
from email_opens.model import State
from tests.contract.samples import ACTIVITY, NOON, varied

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
EVERY = Names()
SENT = Summary("one", NOON)
CAMPAIGN = Campaign("one", "March news")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "taken"),
        [("March news", True), ("Internal march", False), ("", True), (None, True)],
    )
    def test_that_are_excluded_are_left_out(self, name: str | None, taken: bool) -> None:
        assert Names(exclude=("internal*",)).take(name) == taken

    @pytest.mark.parametrize(
        ("name", "taken"),
        [("Weekly news", True), ("WEEKLY NEWS", True), ("weekly", False), (None, False)],
    )
    def test_that_are_not_included_are_left_out(self, name: str | None, taken: bool) -> None:
        assert Names(include=("Weekly ?*",)).take(name) == taken

    def test_need_to_match_one_pattern_of_several(self) -> None:
        assert Names(include=("a*", "b*")).take("berries")

    def test_that_are_included_and_excluded_are_left_out(self) -> None:
        assert not Names(include=("news*",), exclude=("*test",)).take("news test")

    @pytest.mark.parametrize(("name", "taken"), [("[Test] news", False), ("T news", True)])
    def test_may_have_brackets(self, name: str, taken: bool) -> None:
        assert Names(exclude=("[Test]*", "[test] *")).take(name) == taken

    def test_of_many_stars_are_matched_at_once(self) -> None:
        assert not Names(include=("*a" * 40 + "b",)).take("a" * 80)


class TestTheFloor:
    def test_is_the_lookback_at_first(self) -> None:
        assert floor_of(SearchMemory(), WEEK, NOON) == NOON - WEEK

    def test_stays_at_the_lookback_while_sends_are_seen(self) -> None:
        memory = SearchMemory({"one": SeenCampaign(NOON - HOUR)})
        assert floor_of(memory, WEEK, NOON) == NOON - WEEK

    def test_goes_down_to_the_last_seen_send_if_that_is_before_the_lookback(self) -> None:
        memory = SearchMemory(
            {"old": SeenCampaign(NOON - 3 * WEEK), "older": SeenCampaign(NOON - 4 * WEEK)}
        )
        assert floor_of(memory, WEEK, NOON) == NOON - 3 * WEEK


class TestRecentSends:
    def test_are_those_from_the_floor_on_with_the_latest_first(self) -> None:
        sends = [Summary(name, NOON - hours * HOUR) for hours, name in enumerate("abcd")]
        assert recent([sends[1], sends[3], sends[0], sends[2]], NOON - 2 * HOUR) == sends[:3]

    def test_that_tie_have_one_order(self) -> None:
        ties = [Summary(name, NOON) for name in "bca"]
        assert [send.campaign_id for send in recent(ties, NOON)] == ["c", "b", "a"]

    def test_are_the_last_of_a_campaign_that_two_pages_show(self) -> None:
        assert recent([Summary("one", NOON - HOUR), SENT, SENT], NOON - WEEK) == [SENT]


class TestASend:
    @pytest.mark.parametrize(
        ("seen_campaign", "is_read"),
        [
            (None, True),
            (SeenCampaign(NOON), False),
            (SeenCampaign(NOON + HOUR), False),
            (SeenCampaign(NOON - HOUR), True),
            (SeenCampaign(NOON, left_out="Internal"), False),
            (SeenCampaign(NOON - HOUR, left_out="Internal"), True),
            (SeenCampaign(NOON, failures=1, retry_at=NOON), True),
            (SeenCampaign(NOON, failures=1), True),
            (SeenCampaign(NOON, failures=2, retry_at=NOON + HOUR), False),
            (SeenCampaign(NOON - HOUR, failures=2, retry_at=NOON + HOUR), True),
        ],
    )
    def test_is_read_once_unless_that_failed(
        self, seen_campaign: SeenCampaign | None, is_read: bool
    ) -> None:
        memory = SearchMemory({"one": seen_campaign} if seen_campaign else {})
        names = Names(exclude=("internal*",))
        assert to_read([SENT], memory, names, NOON) == ([SENT] if is_read else [])

    def test_is_read_again_once_its_name_is_taken(self) -> None:
        memory = SearchMemory({"one": SeenCampaign(NOON, left_out="Internal")})
        assert to_read([SENT], memory, EVERY, NOON) == [SENT]

    @pytest.mark.parametrize(
        ("oldest", "newest", "is_read"),
        [
            ((NOON, "one"), (NOON, "one"), False),
            ((NOON - HOUR, "two"), (NOON + HOUR, "two"), False),
            ((NOON, "oneself"), (NOON, "two"), True),
            ((NOON - HOUR, "two"), (NOON, "on"), True),
        ],
    )
    def test_in_the_forgotten_range_counts_as_seen(
        self, oldest: Place, newest: Place, is_read: bool
    ) -> None:
        memory = SearchMemory({}, Forgotten(oldest, newest))
        assert to_read([SENT], memory, EVERY, NOON) == ([SENT] if is_read else [])
        assert is_forgotten(SENT, memory) != is_read

    def test_that_failed_is_not_forgotten(self) -> None:
        memory = SearchMemory(
            {"one": SeenCampaign(NOON, failures=1)}, Forgotten((NOON - HOUR, ""), (NOON + HOUR, ""))
        )
        assert to_read([SENT], memory, EVERY, NOON) == [SENT]
        assert not is_forgotten(SENT, memory)


def test_few_failed_campaigns_are_read_again_the_longest_due_first_and_after_the_unseen() -> None:
    sends = [Summary(name, NOON) for name in "abcd"]
    memory = SearchMemory(
        {
            name: SeenCampaign(NOON, failures=1, retry_at=NOON - minutes * HOUR)
            for minutes, name in enumerate("abc")
        }
    )
    ids = [send.campaign_id for send in to_read(sends, memory, EVERY, NOON)]
    assert ids == ["d", "c", "b"]
    assert len(ids) == 1 + MOST_RETRIES


class TestAFailure:
    def test_is_retried_after_pauses_that_grow_up_to_a_day(self) -> None:
        campaign, pauses = None, []
        for _ in range(200):
            campaign = after_failure(SENT, campaign, NOON)
            assert campaign.retry_at
            pauses.append(campaign.retry_at - NOON)
        assert [pause.total_seconds() / 60 for pause in pauses[:4]] == [0, 15, 45, 105]
        assert pauses[-1] == timedelta(days=1)

    def test_of_an_earlier_send_does_not_count(self) -> None:
        earlier = SeenCampaign(NOON - HOUR, failures=7)
        assert after_failure(SENT, earlier, NOON).failures == 1

    def test_after_a_success_is_the_first(self) -> None:
        assert after_failure(SENT, SeenCampaign(NOON, left_out="Internal"), NOON).failures == 1


class TestTheMemory:
    def test_keeps_what_a_later_search_may_find(self) -> None:
        memory = SearchMemory(
            {"kept": SeenCampaign(NOON), "old": SeenCampaign(NOON - HOUR)},
            Forgotten((NOON - HOUR, "a"), (NOON, "a")),
        )
        assert still_needed(memory, NOON) == SearchMemory(
            {"kept": SeenCampaign(NOON)}, memory.forgotten
        )

    def test_drops_a_forgotten_range_below_the_floor(self) -> None:
        memory = SearchMemory({}, Forgotten((NOON - 2 * HOUR, "a"), (NOON - HOUR, "a")))
        assert still_needed(memory, NOON) == SearchMemory()

    def test_that_fits_is_not_reduced(self) -> None:
        memory = SearchMemory({"one": SeenCampaign(NOON)}, Forgotten((NOON, "a"), (NOON, "b")))
        assert memory.reduced(1) is memory

    def test_that_is_reduced_splits_ties_by_their_ids(self) -> None:
        memory = SearchMemory({name: SeenCampaign(NOON) for name in "bca"})
        assert memory.reduced(2) == SearchMemory(
            {name: SeenCampaign(NOON) for name in "bc"}, Forgotten((NOON, "a"), (NOON, "a"))
        )

    def test_that_is_reduced_extends_the_forgotten_range(self) -> None:
        memory = SearchMemory(
            {"new": SeenCampaign(NOON), "old": SeenCampaign(NOON - 3 * HOUR)},
            Forgotten((NOON - 2 * HOUR, "b"), (NOON - HOUR, "c")),
        )
        assert memory.reduced(1).forgotten == Forgotten(
            (NOON - 3 * HOUR, "old"), (NOON - HOUR, "c")
        )
        assert memory.reduced(0).forgotten == Forgotten((NOON - 3 * HOUR, "old"), (NOON, "new"))

    def test_that_is_reduced_keeps_what_failed(self) -> None:
        memory = SearchMemory(
            {"new": SeenCampaign(NOON), "bad": SeenCampaign(NOON - HOUR, failures=1)}
        )
        assert list(memory.reduced(1).campaigns) == ["bad"]


def test_the_last_known_send_of_a_campaign_is_that_of_its_latest_activity() -> None:
    activities = [
        replace(ACTIVITY, campaign_id=campaign_id, sent_at=sent_at)
        for campaign_id, sent_at in [
            ("one", NOON - HOUR),
            ("one", NOON),
            ("one", NOON - WEEK),
            ("two", None),
            (None, NOON),
        ]
    ]
    assert last_sends(activities) == {"one": NOON}


def test_permalinks_and_unknown_roles_are_no_candidates() -> None:
    roles = ["primary_email", "permalink", "resend", "something"]
    campaign = replace(CAMPAIGN, activities=tuple(CampaignActivity(one, one) for one in roles))
    assert [one.role for one in trackable(campaign)] == ["primary_email", "resend"]


def test_an_activity_is_tracked_from_its_beginning() -> None:
    activity = first_tracked("default", CAMPAIGN, "a", NOON, "Spring is here", NOON + HOUR)
    assert (activity.tracked_from, activity.sent_at, activity.tracked_at, activity.subject) == (
        None,
        NOON,
        NOON + HOUR,
        "Spring is here",
    )


class TestATrackedActivity:
    @pytest.mark.parametrize("state", [State.ACTIVE, State.FINISHED])
    def test_that_is_sent_again_is_active(self, state: State) -> None:
        known = replace(ACTIVITY, state=state, sent_at=NOON - WEEK)
        assert renewed(known, CAMPAIGN, NOON).state is State.ACTIVE

    @pytest.mark.parametrize("state", [State.PAUSED, State.GONE])
    def test_of_another_state_keeps_it(self, state: State) -> None:
        known = replace(ACTIVITY, state=state, sent_at=NOON - WEEK)
        assert renewed(known, CAMPAIGN, NOON).state is state

    def test_that_cannot_be_read_is_unchanged(self) -> None:
        known = replace(ACTIVITY, state=State.BROKEN, campaign_name=None)
        assert renewed(known, CAMPAIGN, NOON) == known

    @pytest.mark.parametrize("sent_at", [NOON, NOON - HOUR, None])
    def test_that_is_finished_needs_a_later_send_to_wake(self, sent_at: datetime | None) -> None:
        known = replace(ACTIVITY, state=State.FINISHED, sent_at=NOON)
        assert renewed(known, CAMPAIGN, sent_at).state is State.FINISHED

    def test_of_unknown_send_is_woken_by_one_since_its_last_poll(self) -> None:
        known = varied(ACTIVITY, state=State.FINISHED, sent_at=None, polled_at=NOON - HOUR)
        assert renewed(known, CAMPAIGN, NOON).state is State.ACTIVE

    def test_of_unknown_send_is_not_woken_by_one_that_was_polled(self) -> None:
        known = varied(ACTIVITY, state=State.FINISHED, sent_at=None, polled_at=NOON)
        assert renewed(known, CAMPAIGN, NOON - HOUR).state is State.FINISHED

    def test_keeps_its_latest_send(self) -> None:
        known = replace(ACTIVITY, sent_at=NOON)
        assert renewed(known, CAMPAIGN, NOON - HOUR).sent_at == NOON

    def test_gets_the_campaign_that_a_person_did_not_name(self) -> None:
        known = replace(ACTIVITY, campaign_id=None, campaign_name=None)
        after = renewed(known, CAMPAIGN, None)
        assert (after.campaign_id, after.campaign_name) == ("one", "March news")

    def test_keeps_its_name_if_the_campaign_has_none(self) -> None:
        after = renewed(ACTIVITY, replace(CAMPAIGN, name=None), None)
        assert after.campaign_name == ACTIVITY.campaign_name
