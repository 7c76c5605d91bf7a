"""What failures in a row say about the vendor, and how long to pause."""

from datetime import timedelta

import pytest

from email_opens.allowance.outage import (
    IN_A_ROW,
    LESS_TELLING_IN_A_ROW,
    MOST_ASKED_BY_ONE,
    PAUSES,
    Outage,
)

ASKED = timedelta(minutes=10)
DAY = timedelta(days=1)


def after(outage: Outage, *subjects: object, asked: timedelta = timedelta()) -> Outage:
    """Return an outage after these subjects have failed."""
    for subject in subjects:
        outage = outage.after_failure(str(subject), asked)
    return outage


class TestAnOutageBegins:
    def test_with_different_subjects_that_fail_in_a_row(self) -> None:
        assert after(Outage(), *range(IN_A_ROW - 1)).attempts == 0
        assert after(Outage(), *range(IN_A_ROW)).attempts == 1

    def test_not_with_one_subject_that_fails_again_and_again(self) -> None:
        assert after(Outage(), *["a"] * 50).attempts == 0

    def test_not_with_an_answer_in_between(self) -> None:
        outage = after(Outage(), 1, 2).after_answer()
        assert after(outage, 3, 4).attempts == 0

    def test_later_if_others_were_answered_in_this_lease(self) -> None:
        answered = Outage().after_answer()
        assert after(answered, *range(LESS_TELLING_IN_A_ROW - 1)).attempts == 0
        assert after(answered, *range(LESS_TELLING_IN_A_ROW)).attempts == 1

    def test_later_if_each_has_failed_before(self) -> None:
        subjects = [str(number) for number in range(LESS_TELLING_IN_A_ROW)]
        known = Outage().knowing(subjects, [*subjects, "another"])
        assert after(known, *subjects[:-1]).attempts == 0
        assert after(known, *subjects).attempts == 1

    def test_never_with_those_that_have_failed_before_if_others_are_answered(self) -> None:
        subjects = [str(number) for number in range(50)]
        assert (
            after(
                Outage().knowing(subjects, [*subjects, "another"]).after_answer(), *subjects
            ).attempts
            == 0
        )

    def test_as_soon_as_ever_if_all_have_failed_before(self) -> None:
        known = Outage().knowing(["1", "2", "3"], ["1", "2", "3"])
        assert after(known, 1, 2, 3).attempts == 1
        assert after(known, 1, asked=ASKED).attempts == 1

    def test_later_with_refusals_to_an_account_that_is_served(self) -> None:
        outage = Outage()
        for number in range(LESS_TELLING_IN_A_ROW):
            assert outage.attempts == 0
            outage = outage.after_refusal(str(number))
        assert outage.attempts == 1

    def test_at_once_if_the_vendor_asks_for_a_long_pause(self) -> None:
        assert after(Outage(), 1, asked=PAUSES[0]).attempts == 1

    @pytest.mark.parametrize(
        "outage",
        [Outage().after_answer(), Outage().knowing(["1"], ["1", "2"])],
        ids=["answered", "known"],
    )
    def test_not_if_only_one_subject_may_be_meant(self, outage: Outage) -> None:
        assert after(outage, 1, asked=ASKED).attempts == 0

    def test_not_if_the_pause_is_brief(self) -> None:
        assert after(Outage(), 1, asked=timedelta(seconds=5)).attempts == 0


class TestATest:
    def test_that_fails_is_one_more_attempt(self) -> None:
        assert after(Outage(attempts=2), 1).attempts == 3

    def test_that_is_answered_ends_the_outage(self) -> None:
        outage = Outage(attempts=2).after_answer()
        assert (outage.attempts, outage.pause, outage.testing) == (0, timedelta(), False)

    def test_that_is_answered_forgets_earlier_failures_and_the_pause_that_was_asked_for(
        self,
    ) -> None:
        outage = after(Outage(attempts=1), 1, asked=ASKED).after_answer()
        assert (outage.answered, outage.failing, outage.asked) == (True, frozenset(), timedelta())

    def test_of_several_subjects_comes_before_another_long_pause(self) -> None:
        assert after(Outage(attempts=1), 1, 2, asked=ASKED).attempts == 1
        assert after(Outage(attempts=1), 1, 2, 3, asked=ASKED).attempts == 2

    def test_that_was_not_answered_by_the_end_of_the_lease_is_one_more_attempt(self) -> None:
        assert after(Outage(attempts=1), 1, asked=ASKED).after_lease().attempts == 2

    @pytest.mark.parametrize(
        "outage",
        [
            Outage(attempts=1),
            after(Outage(), 1, 2),
            after(Outage(attempts=1), 1),
            after(Outage(attempts=1).after_answer(), 1),
        ],
        ids=["nothing sent", "no outage", "attempted already", "answered"],
    )
    def test_ends_with_the_lease_unchanged(self, outage: Outage) -> None:
        assert outage.after_lease() == outage

    def test_makes_no_difference_between_subjects(self) -> None:
        assert after(Outage(attempts=1).knowing(["1"], ["1", "2"]), 1).attempts == 2


class TestAPause:
    def test_grows_and_then_stays(self) -> None:
        pauses = [Outage(attempts=attempts).pause for attempts in range(6)]
        assert pauses == [timedelta(), *PAUSES, PAUSES[-1], PAUSES[-1]]

    def test_is_below_the_minute_between_two_turns(self) -> None:
        assert max(PAUSES) < timedelta(minutes=1)

    def test_is_as_long_as_asked(self) -> None:
        assert after(Outage(), 1, asked=ASKED).pause == ASKED

    def test_that_one_subject_asks_for_lasts_an_hour_at_most(self) -> None:
        for outage in (Outage(), Outage(attempts=1)):
            assert after(outage, 1, asked=DAY).after_lease().pause == MOST_ASKED_BY_ONE
        assert after(Outage(attempts=1), 1, 2, asked=DAY).after_lease().pause == DAY

    def test_asked_for_by_a_known_failure_is_not_kept_for_the_others(self) -> None:
        outage = after(Outage().knowing(["1"], ["1", "2"]), 1, asked=DAY)
        assert after(outage, 2, 3, 4).pause == PAUSES[0]
