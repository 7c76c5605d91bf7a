"""Which columns of a table fit, and how ids are shortened."""

import pytest

from email_opens_cli.terminal.columns import Column, fitted, fitting, measured, short_ids

ONE, TWO = "a1b2c3d4-0000-4000-8000-000000000001", "b1b2c3d4-0000-4000-8000-000000000002"


class TestFitting:
    COLUMNS = (Column("a", 10, rank=2), Column("b", 5, rank=0), Column("c", 5, rank=1))

    @pytest.mark.parametrize(
        ("width", "names"), [(24, "abc"), (23, "bc"), (12, "bc"), (11, "b"), (5, "b"), (4, "b")]
    )
    def test_drops_the_least_important_columns_first(self, width: int, names: str) -> None:
        assert "".join(column.name for column in fitting(self.COLUMNS, width)) == names


class TestMeasured:
    def test_needs_no_more_than_its_cells(self) -> None:
        (column,) = measured([Column("a", 10, rank=0)], [{"a": "123"}, {"a": "12"}])
        assert column.width == 3

    def test_needs_the_width_of_its_name(self) -> None:
        (column,) = measured([Column("State", 10, rank=0)], [{"State": "-"}])
        assert column.width == 5

    @pytest.mark.parametrize(("folds", "width"), [(True, 10), (False, 30)])
    def test_folds_to_no_less_than_its_width(self, *, folds: bool, width: int) -> None:
        (column,) = measured([Column("a", 10, rank=0, folds=folds)], [{"a": "x" * 30}])
        assert column.width == width

    def test_counts_the_columns_of_wide_characters(self) -> None:
        (column,) = measured([Column("a", 1, rank=0)], [{"a": "春の便り"}])
        assert column.width == 8


class TestFitted:
    COLUMNS = (Column("Name", 10, rank=0), Column("Id", 36, rank=1), Column("None", 1, rank=2))

    def test_keeps_whole_ids_if_all_columns_fit(self) -> None:
        row = {"Name": "News", "Id": ONE, "None": "-"}
        columns, rows = fitted(self.COLUMNS, [row], 80)
        assert (len(columns), rows) == (3, [row])

    def test_shortens_ids_if_a_column_does_not_fit(self) -> None:
        row = {"Name": ONE, "Id": ONE, "None": "-"}
        columns, rows = fitted(self.COLUMNS, [row], 24)
        assert ([column.name for column in columns], rows) == (
            ["Name", "Id", "None"],
            [{"Name": "a1b2c3d4", "Id": "a1b2c3d4", "None": "-"}],
        )


class TestShortIds:
    def test_have_eight_characters(self) -> None:
        assert short_ids([ONE, TWO]) == {ONE: "a1b2c3d4", TWO: "b1b2c3d4"}

    def test_are_longer_if_the_beginnings_are_alike(self) -> None:
        assert short_ids(["1234567890a", "1234567891a"]) == {
            "1234567890a": "1234567890",
            "1234567891a": "1234567891",
        }

    def test_are_whole_if_only_the_ends_differ(self) -> None:
        other = ONE[:-1] + "9"
        assert short_ids([ONE, other]) == {ONE: ONE, other: other}

    def test_of_nothing_are_none(self) -> None:
        assert short_ids([]) == {}
