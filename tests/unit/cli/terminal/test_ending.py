"""Signals as a request to end: what they cut short, and what they leave alone."""

import os
import signal
from collections.abc import Iterator
from threading import Timer

import pytest

from email_opens.adapters.clock import SystemClock
from email_opens_cli.terminal.ending import (
    Ending,
    Interrupted,
    InterruptibleClock,
    ThreadAlarm,
)

LONG_SECONDS = 3600.0


@pytest.fixture
def ending() -> Iterator[Ending]:
    with Ending() as ending:
        yield ending


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cuts_a_sleep(ending: Ending, number: signal.Signals) -> None:
    Timer(0.05, os.kill, (os.getpid(), number)).start()
    with pytest.raises(Interrupted):
        InterruptibleClock(SystemClock(), ending).sleep(LONG_SECONDS)
    assert ending.requested


def test_a_signal_cuts_a_read_within_a_wait(ending: Ending) -> None:
    reader, writer = os.pipe()
    Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(Interrupted), ending.for_news():
        os.read(reader, 1)
    os.close(reader)
    os.close(writer)


def test_a_signal_outside_of_a_wait_only_requests_the_end(ending: Ending) -> None:
    with ending.for_news():
        pass
    signal.raise_signal(signal.SIGINT)
    assert ending.requested


def test_a_wait_around_a_wait_can_still_be_cut_afterwards(ending: Ending) -> None:
    def wait() -> None:
        with ending.for_news():
            with ending.for_news():
                pass
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        wait()


def test_nothing_new_begins_after_a_signal(ending: Ending) -> None:
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(Interrupted):
        ending.check()
    begun = []
    with pytest.raises(Interrupted), ending.for_news():
        begun.append(1)
    assert begun == []


def test_what_is_in_hand_is_not_cut_at_once(ending: Ending) -> None:
    done = []
    with ending.for_what_is_in_hand():
        signal.raise_signal(signal.SIGINT)
        done.append(1)
    with ending.for_what_is_in_hand():
        done.append(2)
    assert (ending.requested, done) == (True, [1, 2])


def test_what_is_in_hand_is_cut_after_the_grace() -> None:
    def wait() -> None:
        with Ending(grace_seconds=0.05) as ending, ending.for_what_is_in_hand():
            signal.raise_signal(signal.SIGINT)
            SystemClock().sleep(LONG_SECONDS)

    with pytest.raises(Interrupted):
        wait()


def test_the_grace_begins_with_the_signal_and_not_again_with_each_wait() -> None:
    with Ending(grace_seconds=0.01) as ending:
        signal.raise_signal(signal.SIGINT)
        SystemClock().sleep(0.05)
        with pytest.raises(Interrupted), ending.for_what_is_in_hand():
            pass


def test_the_end_of_the_program_is_not_cut() -> None:
    with Ending(grace_seconds=0.01) as ending:
        signal.raise_signal(signal.SIGINT)
    SystemClock().sleep(0.05)
    assert ending.requested


class TestWithoutTimersThatSendSignals:
    def test_what_is_in_hand_is_cut_after_the_grace(self) -> None:
        def wait() -> None:
            with Ending(0.01, ThreadAlarm()) as ending, ending.for_what_is_in_hand():
                signal.raise_signal(signal.SIGINT)
                while True:
                    SystemClock().sleep(0.01)  # A request that ends by its own time-out.

        with pytest.raises(Interrupted):
            wait()

    def test_the_end_of_the_program_is_not_cut(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        with Ending(0.01, ThreadAlarm()) as ending:
            signal.raise_signal(signal.SIGINT)
        SystemClock().sleep(0.05)
        assert ending.requested
        assert signal.getsignal(signal.SIGTERM) == before
