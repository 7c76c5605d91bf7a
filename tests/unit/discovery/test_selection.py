from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from email_opens.discovery.campaigns import Campaign, CampaignActivity, SeenCampaign, Summary
from email_opens.discovery.selection import (
    Names,
    first_tracked,
    floor_of,
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
    def test_lies_as_far_back_as_is_looked_at_first(self) -> None:
        assert floor_of({}, WEEK, NOON) == NOON - WEEK

    def test_stays_there_while_sends_are_known(self) -> None:
        assert floor_of({"one": SeenCampaign(NOON - HOUR)}, WEEK, NOON) == NOON - WEEK

    def test_goes_down_to_the_last_send_known_if_nobody_has_looked_for_longer(self) -> None:
        seen = {"old": SeenCampaign(NOON - 3 * WEEK), "older": SeenCampaign(NOON - 4 * WEEK)}
        assert floor_of(seen, WEEK, NOON) == NOON - 3 * WEEK


class TestASend:
    @pytest.mark.parametrize(
        ("seen_campaign", "worth"),
        [
            (None, True),
            (SeenCampaign(NOON), False),
            (SeenCampaign(NOON + HOUR), False),
            (SeenCampaign(NOON - HOUR), True),
            (SeenCampaign(NOON, left_out="Internal"), False),
            (SeenCampaign(NOON - HOUR, left_out="Internal"), True),
        ],
    )
    def test_is_looked_at_once(self, seen_campaign: SeenCampaign | None, worth: bool) -> None:
        seen = {"one": seen_campaign} if seen_campaign else {}
        names = Names(exclude=("internal*",))
        assert to_read([SENT], seen, NOON - WEEK, names) == ([SENT] if worth else [])

    def test_is_looked_at_again_once_its_name_is_taken(self) -> None:
        seen = {"one": SeenCampaign(NOON, left_out="Internal")}
        assert to_read([SENT], seen, NOON - WEEK, EVERY) == [SENT]

    @pytest.mark.parametrize(("floor", "worth"), [(NOON, True), (NOON + HOUR, False)])
    def test_below_the_floor_is_not_looked_at(self, floor: datetime, worth: bool) -> None:
        assert to_read([SENT], {}, floor, EVERY) == ([SENT] if worth else [])


def test_looks_below_the_floor_are_forgotten() -> None:
    seen = {"kept": SeenCampaign(NOON), "old": SeenCampaign(NOON - HOUR)}
    assert still_needed(seen, NOON) == {"kept": SeenCampaign(NOON)}


def test_permalinks_and_unknown_roles_are_no_candidates() -> None:
    roles = ["primary_email", "permalink", "resend", "something"]
    campaign = replace(CAMPAIGN, activities=tuple(CampaignActivity(one, one) for one in roles))
    assert [one.role for one in trackable(campaign)] == ["primary_email", "resend"]


def test_an_activity_is_tracked_from_its_beginning() -> None:
    activity = first_tracked("default", CAMPAIGN, "a", NOON, NOON + HOUR)
    assert (activity.tracked_from, activity.sent_at, activity.tracked_at) == (
        None,
        NOON,
        NOON + HOUR,
    )


class TestATrackedActivity:
    @pytest.mark.parametrize("state", [State.ACTIVE, State.FINISHED])
    def test_that_is_sent_again_is_active(self, state: State) -> None:
        known = replace(ACTIVITY, state=state, sent_at=NOON - WEEK)
        assert renewed(known, CAMPAIGN, NOON).state is State.ACTIVE

    @pytest.mark.parametrize("state", [State.PAUSED, State.GONE])
    def test_of_another_state_stays_so(self, state: State) -> None:
        known = replace(ACTIVITY, state=state, sent_at=NOON - WEEK)
        assert renewed(known, CAMPAIGN, NOON).state is state

    def test_that_cannot_be_read_is_left_alone(self) -> None:
        known = replace(ACTIVITY, state=State.BROKEN, campaign_name=None)
        assert renewed(known, CAMPAIGN, NOON) == known

    @pytest.mark.parametrize("sent_at", [NOON, NOON - HOUR, None])
    def test_that_is_finished_stays_so_without_a_later_send(self, sent_at: datetime | None) -> None:
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
