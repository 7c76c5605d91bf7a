"""`make fuzz` tries seed after seed, until its time is over or one fails."""

from collections.abc import Sequence

import pytest

from fuzz import main


class Runs:
    """Runs of twenty minutes each, of which one may fail."""

    def __init__(self, failing: int | None = None) -> None:
        self.failing, self.seeds = failing, list[int]()

    def __call__(self, command: Sequence[str]) -> int:
        (seed,) = (int(word.split("=")[1]) for word in command if "hypothesis-seed" in word)
        self.seeds.append(seed)
        return int(seed == self.failing)

    def clock(self) -> float:
        return len(self.seeds) * 20 * 60.0


def test_seeds_are_tried_until_the_time_is_over() -> None:
    runs = Runs()
    assert main(["--minutes", "60", "--seed", "7"], runs, runs.clock) == 0
    assert runs.seeds == [7, 8, 9]


def test_a_failure_ends_the_work_and_names_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    runs = Runs(failing=8)
    assert main(["--seed", "7"], runs, runs.clock) == 1
    assert runs.seeds == [7, 8]
    assert "make fuzz SEED=8" in capsys.readouterr().err
