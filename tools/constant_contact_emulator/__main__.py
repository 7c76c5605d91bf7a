"""The program: serve a world with sent campaigns until it is interrupted."""

import argparse
import json
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

from constant_contact_emulator.access.limits import Limits
from constant_contact_emulator.arguments import (
    choices_of,
    integer_from,
    number_from,
    read_account_id,
    read_fault,
    read_instant,
)
from constant_contact_emulator.demo import PORT, SENDS_EVERY, DemoAccount
from constant_contact_emulator.serving.server import Emulator
from constant_contact_emulator.world.behaviour import Behaviour, LastPage, Paging, Ties, TimeFormat
from constant_contact_emulator.world.clocks import FastClock
from constant_contact_emulator.world.send import Send, simulate_send

INTERRUPTED = 130
"""The exit code after Ctrl-C."""
_GRAINS = {
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
    "millisecond": timedelta(milliseconds=1),
}
_EXAMPLES = """\
Prints its URLs, generated credentials and ids as JSON, and serves until Ctrl-C.
Tests in other processes control it under /_control/ (GET /_control/ lists the actions).

examples:
  constant-contact-emulator --contacts 50000 --speed 60
  constant-contact-emulator --sent-ago 48 --late 0.1 --ties shuffled --no-limits
  constant-contact-emulator --fault '{"kind": "status", "status": 503, "for_seconds": 600}'

faults, by "kind":
  status html empty drop unauthorized forbidden gateway throttled quota_exceeded expired_link
  cut lose_reply hang drip foreign_link loop_link endless_link other_link empty_page
  endless_empty_pages
A fault applies once, to the next request, unless "times" (null: always), "nth", "path",
"below_row" or "for_seconds" (by the world's clock) choose others.
"""


_DEMO = """\
A demo account is served at {url}. In another terminal, run:

  {watch}

Another e-mail is sent every four minutes. Ctrl-C ends the demo."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the program's arguments."""
    parser = argparse.ArgumentParser(
        prog="constant-contact-emulator",
        description="Constant Contact's V3 API on localhost, with opens that arrive over time.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    count: dict[str, Any] = {"type": integer_from(0), "metavar": "N"}
    add = parser.add_argument_group("the server").add_argument
    add(
        "--port",
        type=integer_from(0, 65_535),
        default=PORT,
        help="0 picks a free one (%(default)s)",
    )
    add("--no-limits", action="store_true", help="allow any number of requests")
    add("--per-day", **count, default=10_000, help="requests a day (%(default)s)")
    add("--per-second", **count, default=4, help="requests a second (%(default)s)")
    add("--long-lived", action="store_true", help="do not rotate refresh tokens")
    add(
        "--gateway-limits",
        action="store_true",
        help="refuse what exceeds a limit as the gateway does",
    )
    late: dict[str, Any] = {"type": number_from(0, 86_400), "metavar": "SECONDS", "default": 0.0}
    add("--day-turns-late", **late, help="how long after 00:00 UTC the quota's day begins (0)")
    fault: dict[str, Any] = {
        "action": "append",
        "type": read_fault,
        "metavar": "JSON",
        "default": [],
    }
    add("--fault", **fault, help="a fault from the start, as for POST /_control/faults")
    add(
        "--demo",
        action="store_true",
        help="serve an account with e-mails that are being opened, for `email-opens watch --demo`; "
        "of the other arguments, only --port counts",
    )
    add = parser.add_argument_group("the world").add_argument
    add("--seed", type=integer_from(0), default=1, help="seed of the generated data (%(default)s)")
    ids: dict[str, Any] = {"nargs": "+", "type": read_account_id, "metavar": "ID"}
    add("--accounts", **ids, default=["default"], help="account ids (default)")
    add("--campaigns", **count, default=1, help="campaigns of each account (%(default)s)")
    contacts = count | {"type": integer_from(0, 5_000_000)}
    add("--contacts", **contacts, default=1000, help="contacts of each campaign (%(default)s)")
    add("--speed", type=number_from(0), default=1.0, help="how many times as fast as real time (1)")
    add(
        "--start", type=read_instant, metavar="INSTANT", help="time at which the world starts (now)"
    )
    add(
        "--sent-ago",
        type=number_from(0, 1e5),
        default=0.0,
        metavar="HOURS",
        help="age of sends (0)",
    )
    add(
        "--late",
        type=number_from(0, 1),
        default=0.0,
        metavar="SHARE",
        help="share of late rows (0)",
    )
    add = parser.add_argument_group("what the vendor does not document").add_argument
    add("--grain", choices=_GRAINS, default="minute", help="precision of created_time (minute)")
    add("--paging", **choices_of(Paging), default=Paging.OFFSET)
    add("--ties", **choices_of(Ties), default=Ties.NEWEST_FIRST)
    add("--last-page", nargs="+", **choices_of(LastPage), default=list(LastPage))
    add("--time-formats", nargs="+", **choices_of(TimeFormat), default=[TimeFormat.MILLISECONDS])
    add("--unknown-fields", action="store_true", help="add undocumented fields")
    return parser


def start(arguments: argparse.Namespace) -> tuple[Emulator, dict[str, Any]]:
    """Serve the world that the arguments describe; return it with its URLs and ids."""
    limits = Limits.off()
    if not arguments.no_limits:
        limits = Limits(
            arguments.per_second,
            arguments.per_day,
            pace_seconds=time.monotonic,
            turns_late=timedelta(seconds=arguments.day_turns_late),
            through_gateway=arguments.gateway_limits,
        )
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
        for fault in arguments.fault:
            emulator.faults.add(**fault)
        accounts = _accounts(emulator, arguments)
    except BaseException:
        emulator.close()
        raise
    return emulator, {"url": emulator.url, "auth_url": emulator.auth_url, "accounts": accounts}


def _accounts(emulator: Emulator, arguments: argparse.Namespace) -> dict[str, Any]:
    accounts = {}
    seed = arguments.seed
    for account_id in arguments.accounts:
        campaigns = []
        for number in range(1, arguments.campaigns + 1):
            name = f"Newsletter {number}"
            campaigns.append(_send_campaign(emulator, arguments, account_id, name, seed))
            seed += 1
        accounts[account_id] = {
            "credentials": emulator.credentials(account_id),
            "campaigns": campaigns,
        }
    return accounts


def _send_campaign(
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
    """Print the URLs, the generated credentials and the ids as JSON, and serve."""
    arguments = parser().parse_args(argv)
    demo = None
    try:
        if arguments.demo:
            emulator = Emulator(port=arguments.port, rotating=False)
            demo = DemoAccount(emulator)
            shown = _DEMO.format(url=emulator.url, watch=_watch(emulator.port))
        else:
            emulator, facts = start(arguments)
            shown = json.dumps(facts, indent=2)
    except OSError as error:
        reason = error.strerror or "unknown error"
        sys.exit(f"Cannot listen on port {arguments.port}: {reason}. --port 0 picks a free one.")
    except OverflowError:
        sys.exit("The send times are out of range: change --start or --sent-ago.")
    ended, exit_codes = Event(), []

    def end(number: int, _frame: object) -> None:
        exit_codes.append(INTERRUPTED if number == signal.SIGINT else 0)
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with emulator:
        try:
            print(shown, flush=True)
            # In Windows, a wait without an end is deaf to Ctrl-C.
            while not ended.wait(SENDS_EVERY.total_seconds() if demo else 1):
                if demo:
                    print(f"Sent: {demo.send_next()}", flush=True)
        except OSError as error:
            # Python would report again at its exit that it cannot write what is left.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):  # The reader has ended, as `head` does.
                return
            sys.exit(f"The output cannot be written: {error.strerror}.")
    print("Closed.", file=sys.stderr)
    sys.exit(exit_codes[0])


def _watch(port: int) -> str:
    """Return the command that watches the demo account on a port."""
    option = "" if port == PORT else f" --demo-port {port}"
    return f"{_beside(sys.argv[0])} watch --demo{option}"


def _beside(started_as: str, name: str = "email-opens") -> str:
    """Return what starts another program of the folder from which this one was started."""
    beside, found = Path(started_as).with_name(name), shutil.which(name)
    if not beside.exists():
        return name
    on_the_path = found is not None and Path(found).parent == beside.parent
    return name if on_the_path else shlex.quote(str(beside))


if __name__ == "__main__":
    main()
