"""`email-opens unsubscribe alert`."""

import pytest

from tests.contract.replies import Answers, error
from tests.unit.cli.every_client import every_client
from tests.unit.cli.subscribers.alerts import PARAMETERS, STACK, URL, make_stack, parameters, stored
from tests.unit.cli.subscribers.subscribers import subscribe, unsubscribe
from tests.unit.cli.world import World, complaint, run


class TestUnsubscribe:
    @pytest.mark.parametrize("name", ["alert", "slack", "webhook"])
    def test_empties_the_parameter_of_the_stack_and_deletes_the_url(
        self, stack: World, name: str
    ) -> None:
        subscribe("--slack", URL)
        unsubscribe(name)
        assert parameters() == PARAMETERS | {"AlertOpens": "first"}
        assert stored(stack) is None

    def test_forgets_the_filter(self, stack: World) -> None:
        del stack
        subscribe("--slack", URL, "--only", "campaign=News", "--only", "fresh=1h")
        unsubscribe("alert")
        assert parameters() == PARAMETERS | {"AlertOpens": "first"}

    def test_keeps_a_parameter_of_another_name(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_stack(world, **PARAMETERS | {"AlertWebhook": "/ours"})
        monkeypatch.setenv("EMAIL_OPENS_STACK", STACK)
        world.aws.ssm.put_parameter(Name="/ours", Value=URL, Type="SecureString")
        result = unsubscribe("alert")
        assert "The parameter /ours stays, since `subscribe` did not create it." in result.stdout
        assert parameters()["AlertWebhook"] == ""
        assert world.aws.ssm.get_parameter(Name="/ours")["Parameter"]["Value"]

    def test_refuses_an_alert_that_there_is_not(self, stack: World) -> None:
        del stack
        said = complaint(run("unsubscribe", "alert", "--yes"), 2)
        assert "No subscriber is called “alert”" in said

    @pytest.mark.usefixtures("world")
    def test_needs_a_stack(self) -> None:
        assert "The alert belongs to a stack" in complaint(run("unsubscribe", "alert"), 2)

    def test_names_the_action_that_is_denied(
        self, stack: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscribe("--slack", URL)
        with monkeypatch.context() as patch:
            denied = error("AccessDeniedException")
            Answers(every_client(patch, "ssm"), "DeleteParameter", denied)
            said = complaint(run("unsubscribe", "alert", "--yes"), 1)
        assert "Ask for a policy that allows ssm:DeleteParameter." in said
        unsubscribe("alert")
        assert stored(stack) is None
