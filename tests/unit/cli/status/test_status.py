"""`email-opens status`: piped, on a narrow terminal, and live."""

import json

import pytest

from tests.unit.cli.terminal.pseudo_terminal import interrupting, run_in_terminal
from tests.unit.cli.world import World, complaint, run


class TestCommand:
    def test_draws_a_bar_for_published_opens(self, world: World) -> None:
        world.track(world.opened(2))
        run("poll")
        assert "█" in run("status").stdout

    def test_prints_the_same_numbers_as_json(self, world: World) -> None:
        activity_id = world.opened(2)
        world.track(activity_id)
        run("poll")
        (activity,) = json.loads(run("status", "--json").stdout)["activities"]
        assert activity["campaign_activity_id"] == activity_id
        assert sum(activity["opens_by_hour"]) == 2
        assert activity["difference"] == 0

    def test_shows_no_difference_after_an_e_mail_was_tracked_again(self, world: World) -> None:
        activity_id = world.track(world.opened(2))
        run("poll")
        run("untrack", activity_id)
        world.track(activity_id)
        run("poll")
        (activity,) = json.loads(run("status", "--json").stdout)["activities"]
        assert (activity["published"], activity["reported"], activity["difference"]) == (0, 2, 0)

    def test_fits_a_terminal_of_forty_columns(self, world: World) -> None:
        world.track(world.opened(2))
        run("poll")
        output = run_in_terminal("status", columns=40)
        assert [len(line) for line in output.lines[:2] if len(line) > 40] == []

    def test_redraws_until_ctrl_c(self, world: World) -> None:
        activity_id = world.opened(2)
        world.track(activity_id)
        output = run_in_terminal("status", "--watch", on_output=interrupting(activity_id[:8]))
        assert output.exit_code == 130

    @pytest.mark.usefixtures("world")
    def test_refuses_to_redraw_in_a_pipe(self) -> None:
        assert "--watch needs a terminal" in complaint(run("status", "--watch"), 2)

    @pytest.mark.usefixtures("world")
    def test_refuses_to_redraw_json(self) -> None:
        assert "use one of them" in complaint(run("status", "--watch", "--json"), 2)
