"""Which e-mail a query chooses."""

from datetime import UTC, datetime

import pytest

from email_opens_cli.arguments.selection import (
    MOST_CANDIDATES,
    NotSelected,
    Send,
    select,
    select_each,
    select_one,
)

MARCH = datetime(2026, 3, 2, 14, 7, tzinfo=UTC)
SALE = Send("a1b2c3d4-0000-4000-8000-000000000001", "c0ffee00-0000-4000-8000-000000000001", "Sale")
RESEND = Send("a1b2c3d4-0000-4000-8000-000000000002", SALE.campaign_id, "Sale", MARCH)
NEWS = Send(
    "b1b2c3d4-0000-4000-8000-000000000003",
    "d0ffee00-0000-4000-8000-000000000003",
    "Spring news, week 10",
    MARCH,
)
NAMELESS = Send("e1b2c3d4-0000-4000-8000-000000000004")
SENDS = (SALE, RESEND, NEWS, NAMELESS)
REMEDY = "Look elsewhere."


class TestSelect:
    @pytest.mark.parametrize(
        ("query", "sends"),
        [
            (SALE.activity_id, [SALE]),
            (SALE.activity_id.upper(), [SALE]),
            (f" {NEWS.activity_id}\n", [NEWS]),
            (SALE.campaign_id, [SALE, RESEND]),
            ("sale", [SALE, RESEND]),
            ("spring  NEWS,  week 10", [NEWS]),
            ("spring", [NEWS]),
            ("b1", [NEWS]),
            ("c0ff", [SALE, RESEND]),
            ("a1b2c3d4", [SALE, RESEND]),
            ("*news*", [NEWS]),
            ("s*", [SALE, RESEND, NEWS]),
            ("*", list(SENDS)),
            ("s?le", [SALE, RESEND]),
        ],
    )
    def test_finds_the_e_mails_of_a_query(self, query: str, sends: list[Send]) -> None:
        assert list(select(query, SENDS).matches) == sends

    @pytest.mark.parametrize("query", ["", "  ", "ews", "summer", "0000", "[s]ale", "-"])
    def test_finds_nothing_else(self, query: str) -> None:
        assert select(query, SENDS).matches == ()

    def test_prefers_a_whole_name_to_the_beginning_of_another(self) -> None:
        longer = Send("1", "2", "Sale of the year")
        assert select("Sale", (longer, SALE)).matches == (SALE,)

    def test_takes_a_name_that_looks_like_a_pattern_as_it_is(self) -> None:
        question = Send("1", "2", "Sale?")
        selection = select("sale?", (Send("3", "4", "Sales"), question))
        assert (selection.matches, selection.by_pattern) == ((question,), False)

    def test_compares_composed_and_decomposed_characters_as_equal(self) -> None:
        cafe = Send("1", "2", "Cafe\N{COMBINING ACUTE ACCENT} news")
        assert select("caf\N{LATIN SMALL LETTER E WITH ACUTE}", (cafe,)).matches == (cafe,)

    @pytest.mark.parametrize(
        ("query", "suggestion"),
        [
            ("Sprnig", NEWS),
            ("Spring mews", NEWS),
            ("week 10", NEWS),
            ("sael", SALE),
            ("b1b2c3d4-0000-4000-8000-000000000033", NEWS),
        ],
    )
    def test_suggests_a_similar_name_or_id(self, query: str, suggestion: Send) -> None:
        assert select(query, SENDS).suggestions[0] == suggestion

    def test_suggests_nothing_that_is_not_similar(self) -> None:
        assert select("zzzzzz", SENDS).suggestions == ()

    def test_is_ambiguous_only_without_a_pattern_and_over_several_campaigns(self) -> None:
        assert not select("sale", SENDS).ambiguous
        assert not select("s*", SENDS).ambiguous
        assert select("s", SENDS).ambiguous


class TestSelectEach:
    def test_returns_the_e_mails_of_all_queries_once(self) -> None:
        queries = ("sale", "b1", RESEND.activity_id, "s*")
        assert select_each(queries, SENDS, remedy=REMEDY) == [SALE, RESEND, NEWS]

    def test_refuses_a_query_that_several_campaigns_match(self) -> None:
        with pytest.raises(NotSelected, match="“s” matches 3 e-mails") as raised:
            select_each(("s",), SENDS, remedy=REMEDY)
        assert len(raised.value.lines) == 3

    def test_names_the_remedy_if_nothing_is_similar(self) -> None:
        with pytest.raises(NotSelected, match=r"the id “zzz”\. Look elsewhere\.") as raised:
            select_each(("sale", "zzz"), SENDS, remedy=REMEDY)
        assert raised.value.lines == []

    def test_says_that_no_name_matches_a_pattern(self) -> None:
        with pytest.raises(NotSelected, match=r"^No e-mail has a name that matches “zz\*”\. Look"):
            select_each(("zz*",), SENDS, remedy=REMEDY)


class TestSelectOne:
    def test_returns_the_only_match(self) -> None:
        assert select_one("spring", SENDS, remedy=REMEDY) == NEWS

    def test_refuses_a_campaign_with_a_resend(self) -> None:
        with pytest.raises(NotSelected) as raised:
            select_one("Sale", SENDS, remedy=REMEDY)
        assert raised.value.lines == [
            f"  2026-03-02 14:07  {RESEND.activity_id}  Sale",
            f"  -                 {SALE.activity_id}  Sale",
        ]

    def test_suggests_what_is_similar(self) -> None:
        with pytest.raises(NotSelected, match="Did you mean:") as raised:
            select_one("Sprnig", SENDS, remedy=REMEDY)
        assert raised.value.lines == [
            f"  2026-03-02 14:07  {NEWS.activity_id}  Spring news, week 10"
        ]

    def test_lists_no_more_than_a_screen_of_candidates(self) -> None:
        many = [Send(str(number), str(number), "Same") for number in range(MOST_CANDIDATES + 1)]
        with pytest.raises(NotSelected, match="the latest 20 are listed") as raised:
            select_one("same", many, remedy=REMEDY)
        assert len(raised.value.lines) == MOST_CANDIDATES
