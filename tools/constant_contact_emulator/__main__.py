"""Serve a world with sent campaigns until it is interrupted."""

import argparse
import json
import math
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Event
from typing import Any

from constant_contact_emulator.access.limits import Limits
from constant_contact_emulator.serving.server import Emulator
from constant_contact_emulator.world.behaviour import Behaviour, LastPage, Paging, Ties, TimeFormat
from constant_contact_emulator.world.clocks import FastClock
from constant_contact_emulator.world.instants import parse_instant
from constant_contact_emulator.world.send import Send, simulate_send

_GRAINS = {
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
    "millisecond": timedelta(milliseconds=1),
}
_EXAMPLES = """\
It prints its URLs, made-up credentials and the ids as JSON, and serves until Ctrl-C.
What a test in another process needs lies under /_control/ (GET it for a list).

examples:
  constant-contact-emulator --contacts 50000 --speed 60
  constant-contact-emulator --sent-ago 48 --late 0.1 --ties shuffled --no-limits
"""


def parser() -> argparse.ArgumentParser:
    """Return the program's arguments."""
    parser = argparse.ArgumentParser(
        prog="constant-contact-emulator",
        description="Constant Contact's V3 API on localhost, with opens coming in.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument_group("the server").add_argument
    add("--port", type=_whole(0, 65_535), default=8700, help="0 takes a free one (%(default)s)")
    add("--no-limits", action="store_true", help="as many requests as you like")
    add("--per-day", type=_whole(0), default=10_000, metavar="N", help="(%(default)s)")
    add("--per-second", type=_whole(0), default=4, metavar="N", help="(%(default)s)")
    add("--long-lived", action="store_true", help="refresh tokens do not rotate")
    add = parser.add_argument_group("the world").add_argument
    add("--seed", type=_whole(0), default=1, help="the same seed, the same world (%(default)s)")
    add("--accounts", nargs="+", default=["default"], metavar="ID", help="(default)")
    add("--campaigns", type=_whole(0), default=1, metavar="N", help="of each account (%(default)s)")
    add(
        "--contacts",
        type=_whole(0, 5_000_000),
        default=1000,
        metavar="N",
        help="whom each campaign is sent to (%(default)s)",
    )
    add("--speed", type=_real(0), default=1.0, help="times as fast as the wall clock (1)")
    add("--start", type=_start, metavar="INSTANT", help="when the world begins (now)")
    add("--sent-ago", type=_real(0, 1e5), default=0.0, metavar="HOURS", help="age of the sends (0)")
    add("--late", type=_real(0, 1), default=0.0, metavar="SHARE", help="share of late rows (0)")
    add = parser.add_argument_group("what the vendor leaves open").add_argument
    add("--grain", choices=_GRAINS, default="minute", help="of created_time (minute)")
    add("--paging", **_one_of(Paging), default=Paging.OFFSET)
    add("--ties", **_one_of(Ties), default=Ties.NEWEST_FIRST)
    add("--last-page", nargs="+", **_one_of(LastPage), default=list(LastPage))
    add("--time-formats", nargs="+", **_one_of(TimeFormat), default=[TimeFormat.MILLISECONDS])
    add("--unknown-fields", action="store_true", help="fields that nobody documents")
    return parser


def _one_of(names: type[StrEnum]) -> dict[str, Any]:
    shown = ", ".join(names)
    return {"choices": list(names), "type": _named(names), "metavar": "NAME", "help": shown}


def _named(names: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        if text not in set(names):
            raise argparse.ArgumentTypeError(f"“{text}” is none of {', '.join(names)}.")
        return names(text)

    return read


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text) if text.isascii() and text.isdecimal() else -1
        if number < least or (most is not None and number > most):
            top = "" if most is None else f" to {most}"
            raise argparse.ArgumentTypeError(f"“{text}” is no whole number from {least}{top}.")
        return number

    return read


def _real(least: float, most: float = 1e6) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"“{text}” is no number from {least} to {most:g}.")
        return number

    return read


def _start(text: str) -> datetime:
    try:
        return parse_instant(text).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"“{text}” is no instant such as 2026-03-02T14:07:00Z."
        raise argparse.ArgumentTypeError(message) from None


def start(arguments: argparse.Namespace) -> tuple[Emulator, dict[str, Any]]:
    """Serve the world that the arguments describe; return it with what there is to know."""
    limits = Limits.off()
    if not arguments.no_limits:
        limits = Limits(arguments.per_second, arguments.per_day, pace_seconds=time.monotonic)
    emulator = Emulator(
        clock=FastClock(arguments.speed, arguments.start),
        port=arguments.port,
        seed=arguments.seed,
        behaviour=Behaviour(
            paging=arguments.paging,
            ties=arguments.ties,
            last_page=tuple(arguments.last_page),
            time_formats=tuple(arguments.time_formats),
            unknown_fields=arguments.unknown_fields,
        ),
        limits=limits,
        rotating=not arguments.long_lived,
    )
    try:
        accounts = _accounts(emulator, arguments)
    except BaseException:
        emulator.close()
        raise
    return emulator, {"url": emulator.url, "auth_url": emulator.auth_url, "accounts": accounts}


def _accounts(emulator: Emulator, arguments: argparse.Namespace) -> dict[str, Any]:
    accounts = {}
    seed = arguments.seed
    for account_id in arguments.accounts:
        sent = []
        for number in range(1, arguments.campaigns + 1):
            sent.append(_sent(emulator, arguments, account_id, f"Newsletter {number}", seed))
            seed += 1
        accounts[account_id] = {
            "credentials": emulator.credentials(account_id),
            "campaigns": sent,
        }
    return accounts


def _sent(
    emulator: Emulator, arguments: argparse.Namespace, account_id: str, name: str, seed: int
) -> dict[str, Any]:
    campaign = emulator.world.add_campaign(name, account_id=account_id)
    rows = simulate_send(
        emulator.world,
        campaign.activity_id,
        arguments.contacts,
        sent_at=emulator.world.clock() - timedelta(hours=arguments.sent_ago),
        seed=seed,
        send=Send(late=arguments.late, grain=_GRAINS[arguments.grain]),
    )
    ids = {"campaign_id": campaign.campaign_id, "activity_id": campaign.activity_id}
    return {**ids, "rows_in_the_end": rows}


def main(argv: Sequence[str] | None = None) -> None:
    """Print the URLs, the made-up credentials and the ids as JSON, and serve."""
    arguments = parser().parse_args(argv)
    try:
        emulator, facts = start(arguments)
    except OSError as error:
        problem = error.strerror or "it cannot be opened"
        sys.exit(f"Port {arguments.port} cannot be used: {problem}. --port 0 takes a free one.")
    except OverflowError:
        sys.exit("The sends would lie outside the calendar: choose another --start or --sent-ago.")
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with emulator:
        print(json.dumps(facts, indent=2), flush=True)
        ended.wait()
    print("Closed.", file=sys.stderr)


if __name__ == "__main__":
    main()
