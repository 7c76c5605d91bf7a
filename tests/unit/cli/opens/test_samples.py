"""The sample events: what each kind shows a consumer, and that they can be made again."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from email_opens.adapters.aws.publishing.messages import Message, event_messages
from email_opens.events import event_id
from email_opens_cli.commands.opens.samples import MEANINGS, OLDEST_LIVE, Kind, Sample, samples
from tests.contract.samples import NOON
from tests.event_schema import checked

START = NOON + timedelta(seconds=59)
SEEDS = range(20)


def event(sample: Sample) -> dict[str, Any]:
    """Return the event of a sample, which follows the schema."""
    found: dict[str, Any] = json.loads(checked(written(sample).body))
    return found


def written(sample: Sample) -> Message:
    return next(event_messages(sample.activity, [sample.new], START))


def attributes(sample: Sample) -> dict[str, str]:
    wire = written(sample).attributes
    return {name: value["StringValue"] for name, value in wire.items()}


def of_kind(kind: Kind) -> Sample:
    return next(sample for sample in samples(len(Kind), 1, START) if sample.kind == kind)


@pytest.mark.parametrize("seed", SEEDS)
class TestEverySample:
    def test_follows_the_schema(self, seed: int) -> None:
        assert len([event(sample) for sample in samples(60, seed, START)]) == 60

    def test_has_the_id_of_its_open(self, seed: int) -> None:
        for sample in samples(60, seed, START):
            new = sample.new
            assert new.event_id == event_id(new.open, new.occurrence)

    def test_can_be_recognised(self, seed: int) -> None:
        for sample in samples(60, seed, START):
            found = event(sample)
            assert found["source"].startswith("/constant-contact/sample/activities/")
            assert attributes(sample)["account_id"] == "sample"
            address = found["data"].get("email_address", "@example.com")
            assert address.endswith(("@example.com", "@example.org"))

    def test_was_opened_before_it_is_published(self, seed: int) -> None:
        delays = [int(attributes(sample)["delay_seconds"]) for sample in samples(60, seed, START)]
        assert min(delays) >= 0

    def test_is_live_or_hours_late(self, seed: int) -> None:
        for sample in samples(60, seed, START):
            delay = timedelta(seconds=int(attributes(sample)["delay_seconds"]))
            assert (delay > timedelta(hours=1)) == (sample.kind == Kind.LATE)
            assert (delay < OLDEST_LIVE) == (sample.kind != Kind.LATE)

    def test_of_a_known_campaign_says_when_it_was_sent(self, seed: int) -> None:
        for sample in samples(60, seed, START):
            data = event(sample)["data"]
            assert ("seconds_since_send" in data) == (sample.kind != Kind.NO_CAMPAIGN)

    def test_is_first_unless_it_is_a_twin(self, seed: int) -> None:
        for sample in samples(60, seed, START):
            first = "false" if sample.kind == Kind.TWIN else "true"
            assert attributes(sample)["first_open"] == first


class TestAKind:
    def test_has_a_meaning(self) -> None:
        assert set(MEANINGS) == set(Kind)

    def test_repeat_is_the_first_live_event_and_comes_last(self) -> None:
        first, *_, last = samples(30, 1, START)
        assert (first.kind, last.kind) == (Kind.LIVE, Kind.REPEAT)
        assert event(first) == event(last)

    def test_twin_differs_from_the_first_live_event_in_its_occurrence_and_id(self) -> None:
        first, twin = event(of_kind(Kind.LIVE)), event(of_kind(Kind.TWIN))
        assert twin["id"] != first["id"]
        assert twin == first | {"id": twin["id"], "data": first["data"] | {"occurrence": 2}}

    def test_erased_has_no_address(self) -> None:
        assert "email_address" not in event(of_kind(Kind.ERASED))["data"]

    def test_no_device_has_none_in_the_event_and_the_attributes(self) -> None:
        sample = of_kind(Kind.NO_DEVICE)
        assert "device_type" not in event(sample)["data"] | attributes(sample)

    def test_unknown_device_has_one_that_the_documentation_does_not_name(self) -> None:
        sample = of_kind(Kind.UNKNOWN_DEVICE)
        assert event(sample)["data"]["device_type"] == "wearable"
        assert attributes(sample)["device_type"] == "wearable"

    def test_other_scripts_has_them_in_the_name_of_the_campaign(self) -> None:
        name = event(of_kind(Kind.OTHER_SCRIPTS))["data"]["campaign_name"]
        assert all(letters in name for letters in ("ß", "П", "こ", "ر", "👋"))

    def test_no_campaign_has_only_what_is_always_there(self) -> None:
        data = event(of_kind(Kind.NO_CAMPAIGN))["data"]
        assert not {"campaign_id", "campaign_name", "sent_at"} & set(data)

    def test_fraction_has_a_fraction_of_a_second(self) -> None:
        assert event(of_kind(Kind.FRACTION))["time"].endswith(":07.250000Z")


class TestSamples:
    @pytest.mark.parametrize(
        ("count", "kinds"),
        [
            (1, ["live"]),
            (2, ["live", "repeat"]),
            (3, ["live", "late", "repeat"]),
            (6, ["live", "late", "erased", "other_scripts", "twin", "repeat"]),
        ],
    )
    def test_begin_with_the_most_useful_kinds(self, count: int, kinds: list[str]) -> None:
        assert [sample.kind for sample in samples(count, 1, START)] == kinds

    def test_are_mostly_live_and_sometimes_late(self) -> None:
        kinds = Counter(sample.kind for sample in samples(10_000, 1, START))
        assert (kinds.total(), kinds[Kind.LIVE], kinds[Kind.LATE]) == (10_000, 7_494, 2_498)
        assert {kinds[kind] for kind in set(Kind) - {Kind.LIVE, Kind.LATE}} == {1}

    def test_have_each_id_once_except_for_the_repeat(self) -> None:
        assert len({sample.new.event_id for sample in samples(10_000, 1, START)}) == 9_999

    def test_are_of_two_campaigns(self) -> None:
        ids = {event(sample)["data"].get("campaign_id") for sample in samples(30, 1, START)}
        assert len(ids - {None}) == 2

    def test_have_every_device_that_the_documentation_names(self) -> None:
        devices = {event(sample)["data"].get("device_type") for sample in samples(60, 1, START)}
        assert devices >= {"computer", "mobile", "tablet", "other"}

    def test_are_the_same_for_the_same_seed_count_and_instant(self) -> None:
        assert samples(60, 1, START) == samples(60, 1, START)

    def test_keep_their_ids_in_every_version(self) -> None:
        """A team may have written them down."""
        assert samples(1, 1, START)[0].new.event_id == "8e9c0687abc717367a3be06fbcf581bc"

    def test_of_different_seeds_have_nothing_in_common(self) -> None:
        def ids(seed: int) -> set[str]:
            made = [event(sample) for sample in samples(60, seed, START)]
            return {event["id"] for event in made} | {event["source"] for event in made}

        assert ids(1) & ids(2) == set()

    def test_of_different_instants_have_the_same_contacts_and_other_ids(self) -> None:
        first, second = samples(60, 1, START), samples(60, 1, START + timedelta(hours=1))
        assert {new.new.event_id for new in first} & {new.new.event_id for new in second} == set()
        assert [new.new.open.contact_id for new in first] == [
            new.new.open.contact_id for new in second
        ]
