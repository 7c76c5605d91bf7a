"""Which e-mails `email-opens watch` follows: all that were sent recently, or those named."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from constant_contact_emulator import Kind
from email_opens.model import State
from tests.unit.cli.watch.watcher import Watcher, complaint

LONG_AGO = datetime.now(UTC) - timedelta(days=30)


def names(watcher: Watcher) -> Counter[str]:
    """Return how many opens of each e-mail were written since the last call."""
    return Counter(event["data"]["campaign_name"] for event in watcher.events())


@pytest.fixture
def news(connected: Watcher) -> Watcher:
    """A watch of an account that has sent two letters and an old one."""
    connected.add_opens(1, name="Spring news")
    connected.add_opens(2, name="Summer news")
    connected.add_opens(3, name="Old survey", sent_at=LONG_AGO)
    return connected


class TestWithoutNames:
    def test_everything_that_was_sent_lately_is_followed(self, news: Watcher) -> None:
        result = news.watch()
        assert (result.exit_code, result.stderr) == (0, "")
        assert names(news) == {"Spring news": 1, "Summer news": 2}

    def test_a_new_send_joins(self, news: Watcher) -> None:
        news.watch()
        names(news)
        news.add_opens(4, name="Autumn news")
        news.watch()
        assert names(news) == {"Autumn news": 4}

    def test_an_email_that_was_left_out_before_is_followed_again(self, news: Watcher) -> None:
        news.watch("Spring news")
        names(news)
        news.watch()
        assert names(news) == {"Summer news": 2}

    def test_the_names_that_the_settings_exclude_are_left_out(
        self, news: Watcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EXCLUDE_NAMES", "spring*")
        news.watch()
        assert names(news) == {"Summer news": 2}

    def test_opens_before_the_from_option_are_skipped(self, news: Watcher) -> None:
        news.vendor.world.add_open(
            news.add_opens(0, name="Winter news"), at=datetime.now(UTC) - timedelta(hours=1)
        )
        news.watch("--from", "now")
        assert names(news)["Winter news"] == 0

    def test_an_account_that_sent_nothing_lately_is_no_failure(self, connected: Watcher) -> None:
        result = connected.watch()
        assert (result.exit_code, connected.events()) == (0, [])

    def test_a_search_that_fails_is_reported_and_stops_no_poll(self, news: Watcher) -> None:
        news.watch()
        names(news)
        news.move_polls_back_an_hour()
        (spring,) = (a for a in news.tracked().values() if a.campaign_name == "Spring news")
        news.vendor.world.add_open(spring.campaign_activity_id, 7)
        news.vendor.faults.add(Kind.STATUS, status=503, path="summaries", times=None)
        error = news.watch()
        assert (error.exit_code, names(news)) == (1, {"Spring news": 1})
        assert error.stderr.count("\n") == 1


class TestByName:
    @pytest.mark.parametrize("query", ["Spring news", "spring  NEWS", "spring", "spr*", "*ing n*"])
    def test_one_email_is_followed(self, news: Watcher, query: str) -> None:
        news.watch(query)
        assert names(news) == {"Spring news": 1}

    def test_a_pattern_chooses_several(self, news: Watcher) -> None:
        news.watch("S*news")
        assert names(news) == {"Spring news": 1, "Summer news": 2}

    def test_an_older_email_is_found(self, news: Watcher) -> None:
        news.watch("old survey", "spring")
        assert names(news) == {"Spring news": 1, "Old survey": 3}

    def test_a_name_that_nothing_has_is_reported_with_what_is_similar(self, news: Watcher) -> None:
        error = complaint(news.watch("Sprnig news"), 2)
        assert error.startswith("No e-mail has the name or the id “Sprnig news”. Did you mean:\n")
        assert "Spring news" in error

    @pytest.mark.parametrize("query", ["", " "])
    def test_an_empty_name_is_refused(self, news: Watcher, query: str) -> None:
        assert "No e-mail has the name" in complaint(news.watch(query), 2)

    def test_a_beginning_of_several_names_is_refused(self, news: Watcher) -> None:
        assert "“S” matches 2 e-mails" in complaint(news.watch("S"), 2)

    def test_a_removed_email_is_reported(self, news: Watcher) -> None:
        (campaign,) = (c for c in news.vendor.world.campaigns.values() if c.name == "Old survey")
        campaign.status = "Removed"
        assert "has no e-mail to follow" in complaint(news.watch("old survey"), 2)

    def test_the_vendors_failure_is_reported_instead_of_an_unknown_name(
        self, news: Watcher
    ) -> None:
        news.vendor.faults.add(Kind.STATUS, status=503, path="/v3/", times=None)
        assert "503" in complaint(news.watch("Winter"), 1)

    def test_the_others_are_paused(self, news: Watcher) -> None:
        news.watch()
        news.watch("Spring news")
        states = {a.campaign_name: a.state for a in news.tracked().values()}
        assert states["Spring news"] is State.ACTIVE
        assert states["Summer news"] is State.PAUSED


class TestById:
    def test_an_activity_has_its_campaigns_name(self, news: Watcher) -> None:
        news.watch(news.add_opens(2, name="Old news", sent_at=LONG_AGO))
        assert names(news) == {"Old news": 2}

    def test_a_campaign_chooses_all_of_its_emails(self, news: Watcher) -> None:
        world = news.vendor.world
        (campaign,) = (c for c in world.campaigns.values() if c.name == "Old survey")
        resend = world.resend(campaign.campaign_id, at=LONG_AGO + timedelta(days=1))
        world.add_open(resend.campaign_activity_id)
        news.watch(campaign.campaign_id)
        assert names(news) == {"Old survey": 4}

    def test_the_beginning_of_an_id_suffices(self, news: Watcher) -> None:
        activity_id = news.add_opens(1, name="Autumn news")
        news.watch(activity_id[:8])
        assert names(news) == {"Autumn news": 1}

    def test_a_name_that_could_not_be_read_is_added_by_a_later_run(self, news: Watcher) -> None:
        activity_id = news.add_opens(1, name="Old news", sent_at=LONG_AGO)
        news.vendor.faults.add(Kind.STATUS, status=503, path="/v3/emails", times=None)
        news.watch(activity_id)
        assert "campaign_name" not in news.events()[0]["data"]
        news.vendor.faults.clear()
        news.vendor.world.add_open(activity_id, 5)
        news.move_polls_back_an_hour()
        news.watch(activity_id)
        assert names(news) == {"Old news": 1}
