"""What people read about opens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from email_opens.alerts.events import Opened, read_open
from email_opens.alerts.texts import Text, shown, text_of
from tests.alerting import body

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def opened(number: int = 1, **data: Any) -> Opened:
    return read_open(body(number, **data))


def text(*opens: Opened) -> Text:
    return text_of(opens, NOW)


def line(**data: Any) -> str:
    return text(opened(**data)).lines[0]


def test_a_message_says_who_opened_which_e_mail_when_and_on_what() -> None:
    message = text(
        opened(first_name="Bo", last_name="Lund", email_address="bo@example.com", subject="Hello!")
    )
    assert str(message) == (
        "“March news” was opened once\n"
        "Subject: Hello!\n"
        "• Bo Lund <bo@example.com>, 13:58 UTC, on a phone, 7 min after the send"
    )


def test_a_message_lists_ten_opens_and_counts_the_others() -> None:
    message = text(*(opened(number) for number in range(47)))
    assert message.title == "“March news” was opened 47 times"
    assert len(message.lines) == 11
    assert message.lines[-1] == "and 37 more"


def test_ten_opens_are_all_listed() -> None:
    assert "more" not in text(*(opened(number) for number in range(10))).lines[-1]


@pytest.mark.parametrize(
    ("data", "contact"),
    [
        ({"email_address": "bo@example.com"}, "bo@example.com"),
        ({"email_address": None}, "contact 0f6b2c1e…"),
        ({"email_address": None, "email_address_hash": "ab" * 32}, "contact 0f6b2c1e…"),
        ({"email_address": None, "first_name": "Bo"}, "Bo"),
        ({"email_address": "bo@example.com", "last_name": "Lund"}, "Lund <bo@example.com>"),
    ],
)
def test_a_contact_is_shown_by_what_the_event_has(data: dict[str, Any], contact: str) -> None:
    assert line(**data).startswith(f"{contact}, 13:58 UTC")


@pytest.mark.parametrize(
    ("seconds", "since"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (7_200, "2 h"),
        (200_000, "2 days"),
    ],
)
def test_the_time_since_the_send_has_one_unit(seconds: int, since: str) -> None:
    assert line(seconds_since_send=seconds).endswith(f", {since} after the send")


def test_an_open_whose_send_is_not_known_has_no_time_since_it() -> None:
    assert line(seconds_since_send=None).endswith("on a phone")


@pytest.mark.parametrize(
    ("device", "words"),
    [("computer", "on a computer"), ("other", "on another device"), ("wearable", "on wearable")],
)
def test_a_device_is_named(device: str, words: str) -> None:
    assert f", {words}," in line(device_type=device)


def test_an_open_of_another_day_has_its_date() -> None:
    assert "1 Mar 2026, 09:30 UTC" in line(created_time="2026-03-01T09:30:00Z")


def test_an_e_mail_without_a_name_is_shown_by_its_id() -> None:
    assert text(opened(campaign_name=None)).title == "The e-mail 5b1e0a52… was opened once"


def test_a_subject_that_is_the_name_is_not_repeated() -> None:
    assert text(opened(subject="March news")).subject is None


def test_another_account_than_the_first_is_named() -> None:
    other = read_open(body().replace("/constant-contact/default/", "/constant-contact/acme/"))
    assert text(other).title.endswith("(account acme)")


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("a\nb\tc\u2028d", "a b c d"),
        ("abc\u202egpj.exe", "abcgpj.exe"),
        ("\u2066hidden\u2069", "hidden"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("bell\x07\x1b[31m", "bell [31m"),
        ("lone\ud800", "lone"),
        ("tag\U000e0041", "tag"),
        ("z" + "\u0351" * 50, "z\u0351\u0351"),
        ("http://evil.example", "http: //evil.example"),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        (None, ""),
    ],
)
def test_what_could_hide_reorder_or_link_text_is_removed(raw: str | None, safe: str) -> None:
    assert shown(raw, 80) == safe


def test_a_long_text_is_cut() -> None:
    assert shown("x" * 5_000, 80) == "x" * 79 + "…"


def test_no_message_is_longer_than_a_service_accepts() -> None:
    long = "\U0001f600" * 5_000
    opens = [
        opened(
            number,
            first_name=long,
            last_name=long,
            email_address=long,
            device_type=long,
            campaign_name=long,
            subject=long,
        )
        for number in range(100)
    ]
    assert len(str(text_of(opens, NOW + timedelta(days=2)))) < 4_000
