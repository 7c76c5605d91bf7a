"""How the results of mutation testing are counted and listed."""

import pytest

from mutants import Change, Mutant, change, equivalent, report

FUNCTION = "walk.floor_of"


def mutant(line: str, status: str = "survived", function: str = FUNCTION) -> Mutant:
    return Mutant("walk", Change(function, ("- original", f"+ {line}")), status)


def last_line(printed: str) -> list[str]:
    return printed.splitlines()[-1].split()


CAUGHT = [mutant(str(number), "killed") for number in range(19)]


def test_a_hanging_test_and_a_type_error_catch_a_mutant(capsys: pytest.CaptureFixture[str]) -> None:
    mutants = [mutant("a", "timeout"), mutant("b", "caught by type check")]
    assert report(mutants, {}) == 0
    assert last_line(capsys.readouterr().out) == ["all", "1", "1", "0", "0", "100.0%"]


@pytest.mark.parametrize("status", ["survived", "no tests", "suspicious", "not checked"])
def test_every_other_mutant_is_listed(capsys: pytest.CaptureFixture[str], status: str) -> None:
    report([*CAUGHT, mutant("wrong", status)], {})
    printed = capsys.readouterr().out
    assert f"{FUNCTION}: {status}\n  - original\n  + wrong\n" in printed
    assert last_line(printed) == ["all", "19", "0", "0", "1", "95.0%"]


def test_the_share_that_was_caught_decides() -> None:
    assert report([*CAUGHT, mutant("wrong")], {}) == 0
    assert report([*CAUGHT[1:], mutant("wrong")], {}) == 1


def test_an_equivalent_mutant_is_neither_listed_nor_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    same = mutant("same")
    assert report([CAUGHT[0], same], {same.change: "It is the same."}) == 0
    printed = capsys.readouterr().out
    assert "+ same" not in printed
    assert last_line(printed) == ["all", "1", "0", "1", "0", "100.0%"]


def test_another_function_with_the_same_change_is_not_equivalent() -> None:
    same = mutant("same")
    assert report([same, mutant("same", function="walk.ended")], {same.change: "It is."}) == 1


def test_an_equivalent_mutant_that_is_caught_is_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report(CAUGHT, {CAUGHT[0].change: "It is the same."}) == 1
    assert "this mutant of walk.floor_of is caught" in capsys.readouterr().out


def test_an_equivalent_mutant_of_a_module_that_was_not_tested_is_not_reported() -> None:
    assert report(CAUGHT, {Change("allowance.lease.Lease.take", ("- a", "+ b")): "It is."}) == 0


def test_a_change_is_the_same_whatever_its_indentation_and_context() -> None:
    diff = ["@@ -1 +1 @@", " context", "-    old", "+    new"]
    assert change(FUNCTION, diff) == change(FUNCTION, ["", "- old", "+ new"])


def test_every_equivalent_mutant_has_a_reason() -> None:
    assert all(reason.endswith(".") for reason in equivalent().values())
