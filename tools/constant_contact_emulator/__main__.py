"""Serve a world with sent campaigns until it is interrupted."""

import argparse
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Event

from constant_contact_emulator.behaviour import Behaviour, LastPage, Paging, Ties, TimeFormat
from constant_contact_emulator.clocks import FastClock
from constant_contact_emulator.limits import Limits
from constant_contact_emulator.send import Send, simulate_send
from constant_contact_emulator.server import Emulator

_GRAINS = {
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
    "millisecond": timedelta(milliseconds=1),
}


def parser() -> argparse.ArgumentParser:
    """Return the program's arguments."""
    parser = argparse.ArgumentParser(
        prog="constant-contact-emulator",
        description="Constant Contact's V3 API on localhost, with opens coming in.",
    )
    add = parser.add_argument
    add("--port", type=int, default=8700, help="0 takes a free one")
    add("--seed", type=int, default=1)
    add("--campaigns", type=int, default=1, help="sent campaigns of each account")
    add("--contacts", type=int, default=1000, help="whom each campaign is sent to")
    add("--accounts", nargs="+", default=["default"], metavar="ID")
    add("--speed", type=float, default=1.0, help="times as fast as the wall clock")
    add("--start", type=datetime.fromisoformat, help="when the world begins; default: now")
    add("--sent-ago", type=float, default=0.0, metavar="HOURS", help="age of the sends")
    add("--grain", choices=_GRAINS, default="minute", help="of created_time")
    add("--late", type=float, default=0.0, metavar="SHARE", help="share of late rows")
    add("--paging", choices=list(Paging), type=Paging, default=Paging.OFFSET)
    add("--ties", choices=list(Ties), type=Ties, default=Ties.NEWEST_FIRST)
    add("--last-page", nargs="+", choices=list(LastPage), type=LastPage, default=list(LastPage))
    add(
        "--time-formats",
        nargs="+",
        choices=list(TimeFormat),
        type=TimeFormat,
        default=[TimeFormat.MILLISECONDS],
    )
    add("--unknown-fields", action="store_true")
    add("--long-lived", action="store_true", help="refresh tokens do not rotate")
    add("--no-limits", action="store_true", help="as many requests as you like")
    add("--per-day", type=int, default=10_000)
    add("--per-second", type=int, default=4)
    return parser


def start(arguments: argparse.Namespace) -> tuple[Emulator, dict[str, object]]:
    """Serve the world that the arguments describe; return it with what there is to know."""
    begins = arguments.start
    if begins is not None and begins.tzinfo is None:
        begins = begins.replace(tzinfo=UTC)
    limits = Limits.off()
    if not arguments.no_limits:
        limits = Limits(arguments.per_second, arguments.per_day, pace_seconds=time.monotonic)
    emulator = Emulator(
        clock=FastClock(arguments.speed, begins),
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
    send = Send(late=arguments.late, grain=_GRAINS[arguments.grain])
    sent_at = emulator.world.clock() - timedelta(hours=arguments.sent_ago)
    accounts = {}
    seed = arguments.seed
    for account_id in arguments.accounts:
        sent = []
        for number in range(1, arguments.campaigns + 1):
            campaign = emulator.world.add_campaign(f"Newsletter {number}", account_id=account_id)
            rows = simulate_send(
                emulator.world,
                campaign.activity_id,
                arguments.contacts,
                sent_at=sent_at,
                seed=seed,
                send=send,
            )
            seed += 1
            ids = {"campaign_id": campaign.campaign_id, "activity_id": campaign.activity_id}
            sent.append({**ids, "rows_in_the_end": rows})
        accounts[account_id] = {
            "credentials": emulator.credentials(account_id),
            "campaigns": sent,
        }
    facts = {"url": emulator.url, "auth_url": emulator.auth_url, "accounts": accounts}
    return emulator, facts


def main(argv: Sequence[str] | None = None) -> None:
    """Print the URLs, the made-up credentials and the ids as JSON, and serve."""
    emulator, facts = start(parser().parse_args(argv))
    with emulator:
        print(json.dumps(facts, indent=2), flush=True)
        try:
            Event().wait()
        except KeyboardInterrupt:
            print("Closed.")


if __name__ == "__main__":
    main()
