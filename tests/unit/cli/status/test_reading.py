"""What is read from the ledger: the opens of each hour, and what an audit leaves to explain."""

from datetime import timedelta

from email_opens.events import bucket
from email_opens_cli.commands.status.reading import HOURS, difference, opens_by_hour
from tests.contract.samples import ACTIVITY_ID, NOON, varied
from tests.fakes import MemoryLedger
from tests.unit.cli.status.samples import POLLED


class TestDifference:
    def test_is_negative_while_opens_are_missing(self) -> None:
        assert difference(MemoryLedger(), POLLED) == -7

    def test_is_unknown_when_opens_were_published_after_the_audit(self) -> None:
        polled = varied(POLLED, published=1006, rejected=0, audited_at=NOON - timedelta(hours=1))
        assert difference(MemoryLedger(), polled) is None

    def test_counts_what_was_published_before_an_e_mail_was_tracked_again(self) -> None:
        ledger = MemoryLedger()
        ledger.append(ACTIVITY_ID, {bucket(NOON): [b"%d" % number for number in range(7)]})
        ledger.append(ACTIVITY_ID, {"rejected": [b"8", b"9"]})
        tracked_again = varied(POLLED, published=1, rejected=0, reported=9)
        assert difference(ledger, tracked_again) == 0

    def test_is_positive_when_an_audit_finds_fewer_rows_than_were_published(self) -> None:
        audited = varied(POLLED, published=1006, rejected=0, audited_at=POLLED.progress.polled_at)
        assert difference(MemoryLedger(), audited) == 6

    def test_is_unknown_before_an_audit(self) -> None:
        assert difference(MemoryLedger(), varied(POLLED, reported=None)) is None


class TestOpensByHour:
    def test_counts_the_fingerprints_of_the_ledger(self) -> None:
        ledger = MemoryLedger()
        ledger.append(ACTIVITY_ID, {bucket(NOON): [b"1", b"2"]})
        ledger.append(ACTIVITY_ID, {bucket(NOON - timedelta(hours=23)): [b"3"]})
        ledger.append(ACTIVITY_ID, {bucket(NOON - timedelta(hours=24)): [b"4"]})
        assert opens_by_hour(ledger, POLLED, NOON) == [1, *[0] * (HOURS - 2), 2]
