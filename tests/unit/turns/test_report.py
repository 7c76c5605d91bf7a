"""The report of a turn keeps the first decisions only."""

from email_opens.turns.report import MOST_DECISIONS, Decision, TurnReport


def test_only_the_first_decisions_are_kept() -> None:
    report = TurnReport("default")
    for number in range(MOST_DECISIONS + 5):
        report.decide(
            Decision(campaign_activity_id=str(number), waiting=1, price=1, cost=1, why="it is due")
        )
    kept = [decision.campaign_activity_id for decision in report.decisions]
    assert kept == [str(number) for number in range(MOST_DECISIONS)]
