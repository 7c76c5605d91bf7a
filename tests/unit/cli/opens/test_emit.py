"""`email-opens emit`: sends sample events to one destination."""

import json
from typing import Any

import pytest

from email_opens_cli.commands.opens.samples import Kind, samples
from tests.conftest import Aws, subscribe
from tests.contract.samples import NOON
from tests.unit.cli.opens.emitting import AT, SAME, emit, ids, queue, received, topic
from tests.unit.cli.terminal.pseudo_terminal import interrupting, run_in_terminal
from tests.unit.cli.world import World, complaint, run


class TestTo:
    def test_a_queue_receives_the_samples(self, aws: Aws) -> None:
        to = queue(aws)
        result = emit(to, *SAME, "--count", "30")
        assert result.exit_code == 0
        messages = received(aws, to)
        expected = [sample.new.event_id for sample in samples(30, 1, NOON)]
        assert ids(messages) == sorted(expected)
        assert len(set(ids(messages))) == 29

    def test_a_queue_receives_the_attributes_of_real_events(self, aws: Aws) -> None:
        to = queue(aws)
        emit(to, *SAME)
        for message in received(aws, to):
            data, attributes = message["event"]["data"], message["attributes"]
            values = {name: value["StringValue"] for name, value in attributes.items()}
            assert int(values.pop("delay_seconds")) > 0
            assert attributes["delay_seconds"]["DataType"] == "Number"
            first = "true" if data["occurrence"] == 1 else "false"
            named = ("campaign_id", "campaign_name", "device_type")
            assert values == {name: data[name] for name in named if name in data} | {
                "first_open": first,
                "type": "email.opened",
                "account_id": "sample",
                "campaign_activity_id": data["campaign_activity_id"],
            }

    def test_a_topic_passes_the_samples_on_to_its_subscribers(self, aws: Aws) -> None:
        to, url = topic(aws), queue(aws)
        subscribe(aws.sns, aws.sqs, to, url)
        emit(to, *SAME)
        assert ids(received(aws, url)) == sorted(
            sample.new.event_id for sample in samples(20, 1, NOON)
        )

    @pytest.mark.parametrize(
        ("policy", "kinds"),
        [
            ({"delay_seconds": [{"numeric": [">=", 3600]}]}, {Kind.LATE}),
            ({"delay_seconds": [{"numeric": ["<", 900]}]}, set(Kind) - {Kind.LATE}),
            ({"device_type": ["wearable"]}, {Kind.UNKNOWN_DEVICE}),
            ({"device_type": [{"exists": False}]}, {Kind.NO_DEVICE}),
            ({"account_id": [{"anything-but": "sample"}]}, set()),
        ],
        ids=["late", "fresh", "one device", "no device", "another account"],
    )
    def test_a_filter_policy_selects_among_the_samples(
        self, aws: Aws, policy: dict[str, Any], kinds: set[Kind]
    ) -> None:
        to, url = topic(aws), queue(aws)
        subscribe(aws.sns, aws.sqs, to, url)
        (subscription,) = aws.sns.list_subscriptions_by_topic(TopicArn=to)["Subscriptions"]
        aws.sns.set_subscription_attributes(
            SubscriptionArn=subscription["SubscriptionArn"],
            AttributeName="FilterPolicy",
            AttributeValue=json.dumps(policy),
        )
        emit(to, *SAME)
        assert ids(received(aws, url)) == sorted(
            sample.new.event_id for sample in samples(20, 1, NOON) if sample.kind in kinds
        )

    def test_a_fifo_queue_drops_the_repeat_and_the_summary_says_so(self, aws: Aws) -> None:
        to = queue(aws, "team.fifo", FifoQueue="true")
        result = emit(to, *SAME)
        messages = received(aws, to)
        assert (len(messages), len(set(ids(messages)))) == (19, 19)
        assert "it drops the repeat itself" in result.stdout
        assert "The consumer receives 19 events." in result.stdout

    def test_a_fifo_topic_accepts_the_samples(self, aws: Aws) -> None:
        to = topic(aws, "team.fifo", FifoTopic="true")
        url = queue(aws, "team.fifo", FifoQueue="true")
        subscribe(aws.sns, aws.sqs, to, url)
        assert json.loads(emit(to, *SAME, "--json").stdout)["dropped_by_fifo"] == 1
        assert len(set(ids(received(aws, url)))) == 19

    def test_a_queue_in_another_region_receives_the_samples(
        self, aws: Aws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        to = queue(aws)
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.setenv(name, "us-east-2")
        emit(to, "--count", "3")
        assert len(received(aws, to)) == 3

    def test_nobody_else_receives_a_sample(self, world: World) -> None:
        emit(queue(world.aws))
        assert world.received() == []


class TestReport:
    def test_counts_the_events_of_each_kind_and_the_distinct_ids(self, aws: Aws) -> None:
        to = queue(aws)
        lines = emit(to, *SAME, "--count", "24").stdout.splitlines()
        assert lines[0] == f"Sent 24 sample events to {to}:"
        assert lines[1] == "  12 live: opened within the last 15 minutes"
        assert lines[2].startswith("   1 repeat: ")
        assert lines[-2] == "A correct consumer ends up with 23 distinct ids."

    def test_leaves_out_kinds_that_were_not_sent(self, aws: Aws) -> None:
        lines = emit(queue(aws), "--count", "1").stdout.splitlines()
        assert lines[0].startswith("Sent 1 sample event to")
        assert lines[2] == "A correct consumer ends up with 1 distinct id."

    def test_ends_with_the_command_that_sends_the_same_events(self, aws: Aws) -> None:
        to = queue(aws)
        result = emit(to, "--count", "12")
        first = ids(received(aws, to))
        again = result.stdout.splitlines()[-1].partition("`email-opens ")[2].removesuffix("`.")
        run(*again.split(), "--yes")
        assert ids(received(aws, to)) == first

    def test_says_nothing_of_fifo_for_a_standard_queue(self, aws: Aws) -> None:
        assert "FIFO" not in emit(queue(aws)).stdout

    def test_is_one_object_as_json(self, aws: Aws) -> None:
        to = queue(aws)
        assert json.loads(emit(to, *SAME, "--count", "3", "--json").stdout) == {
            "to": to,
            "seed": 1,
            "at": AT,
            "sent": 3,
            "distinct_ids": 2,
            "dropped_by_fifo": 0,
            "kinds": {"live": 1, "repeat": 1, "late": 1},
        }


class TestSeed:
    def test_is_another_one_each_time_by_default(self, aws: Aws) -> None:
        to = queue(aws)
        seeds = {json.loads(emit(to, "--count", "1", "--json").stdout)["seed"] for _ in range(3)}
        assert len(seeds) > 1

    def test_makes_the_same_events_at_the_same_instant(self, aws: Aws) -> None:
        to = queue(aws)
        emit(to, *SAME)
        first = received(aws, to)
        emit(to, *SAME)
        again = received(aws, to)
        assert sorted(map(json.dumps, first)) == sorted(map(json.dumps, again))


class TestQuestion:
    def test_sends_nothing_after_a_no_on_a_terminal(self, aws: Aws) -> None:
        to = queue(aws)
        output = run_in_terminal("emit", "--to", to, typed="n\n", columns=200)
        assert f"Send 20 sample events to {to}?" in output.text
        assert output.exit_code == 1
        assert received(aws, to) == []

    def test_sends_the_events_after_a_yes_on_a_terminal(self, aws: Aws) -> None:
        to = queue(aws)
        assert run_in_terminal("emit", "--to", to, typed="y\n").exit_code == 0
        assert len(received(aws, to)) == 20

    def test_requires_the_yes_option_without_a_terminal(self, aws: Aws) -> None:
        to = queue(aws)
        assert "add --yes" in complaint(run("emit", "--to", to), 2)
        assert received(aws, to) == []

    def test_ends_with_130_after_ctrl_c(self, aws: Aws) -> None:
        to = queue(aws)
        output = run_in_terminal("emit", "--to", to, on_output=interrupting("[y/N]"))
        assert output.exit_code == 130
        assert received(aws, to) == []
