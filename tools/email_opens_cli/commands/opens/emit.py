"""Send sample events to one destination, for the test of a consumer."""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import batched
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct, field

from email_opens.adapters.clock import SystemClock
from email_opens.errors import EmailOpensError, InvalidInput
from email_opens.instants import iso
from email_opens_cli.arguments.options import (
    Json,
    Stack,
    To,
    Yes,
    check_since,
    checked,
    parse_destination,
    parse_since,
    whole_number,
)
from email_opens_cli.commands.opens.samples import (
    MEANINGS,
    Kind,
    Sample,
    samples,
)
from email_opens_cli.deployed.product import environment
from email_opens_cli.terminal.complaints import FAILED, complain
from email_opens_cli.terminal.console import confirm, progress, say, say_json, warn
from email_opens_cli.terminal.words import count

if TYPE_CHECKING:
    from email_opens_cli.deployed.destinations import Destination

MOST = 10_000
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_SEEDS = 1_000_000
_AT_ONCE = 100
"""Opens from one update of the progress to the next."""
_SUFFIX = "-opens"
"""How the name of a stack's topic ends, after the stack's name."""


def emit(
    to: To,
    number: Annotated[
        int,
        typer.Option(
            "--count",
            metavar="N",
            parser=whole_number("--count", 1, MOST),
            help=f"How many events to send, up to {MOST:,}.",
        ),
    ] = 20,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="N",
            parser=whole_number("--seed", 0),
            help="Contacts, e-mails and ids follow from this number; by default it is random.",
        ),
    ] = None,
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="INSTANT",
            help=(
                "Date the events as if they were published at this instant: now, 2h, or "
                "2026-03-02T14:07:00Z."
            ),
            callback=checked(check_since),
        ),
    ] = "now",
    stack: Stack = None,
    *,
    all_subscribers: Annotated[
        bool,
        typer.Option(
            "--all-subscribers",
            help="Allow the topic of a stack, all of whose subscribers receive the samples.",
        ),
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Send sample events to one queue or topic, to test a consumer without a send.

    The samples follow the schema and have the attributes of real events; their account is `sample`.
    The same --seed, --count and --at send the same events, with the same ids.

    The command needs no stack and no Constant Contact account.
    """
    clock = SystemClock()
    start = _start(at, clock.now())
    if not all_subscribers:
        refuse_the_topic_of_a_stack(to, stack)
    from email_opens_cli.deployed.destinations import destination  # noqa: PLC0415 - boto3

    sent_to = destination(to, None, clock)
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    emission = Emission(sent_to, samples(number, seed, start), start)
    confirm(f"Send {count(number, 'sample event')} to {to}?", yes=yes)
    failure = None
    try:
        with progress("Sending", number) as emission.on_sent:
            emission.send()
    except KeyboardInterrupt:
        warn(f"Interrupted: {to} has accepted at least {count(emission.total, 'sample event')}.")
        raise
    except EmailOpensError as error:
        failure = str(error)
    if as_json:
        say_json({"to": to, "seed": seed, "at": iso(start)} | emission.as_json(), indent=2)
    else:
        say(*emission.summary(to))
        same = f"--count {number} --seed {seed} --at {iso(start)}"
        allowed = " --all-subscribers" if all_subscribers else ""
        say(f"To send the same events again: `email-opens emit {same} --to {quote(to)}{allowed}`.")
    if failure:
        complain(failure, FAILED)
    if sent_to.refused:
        why = "; ".join(sorted(set(sent_to.refused))[:3])
        refused = count(len(sent_to.refused), "sample event")
        complain(f"The destination refused {refused}: {why}.", FAILED)


def refuse_the_topic_of_a_stack(address: str, stack: str | None) -> None:
    """Make sure that a destination is not a stack's own topic.

    Raises:
        InvalidInput: it is the topic of the chosen stack, or has the name of a stack's topic.
    """
    if parse_destination(address) is None:
        return  # Without a request: a queue needs no stack.
    name = address.rpartition(":")[2].removesuffix(".fifo")
    if address == environment(stack).get("OPENS_TOPIC_ARN"):
        whose = "the stack's own topic"
    elif name.endswith(_SUFFIX):
        whose = f"by its name the topic of the stack “{name.removesuffix(_SUFFIX)}”"
    else:
        return
    raise InvalidInput(
        f"This is {whose}: all of its subscribers would receive the samples. Name a queue or topic "
        "of one subscriber, or add --all-subscribers to send them all the same."
    )


def _start(at: str, now: datetime) -> datetime:
    start = parse_since(at, now)
    if start is None or start < _OLDEST:
        raise InvalidInput(f"--at needs an instant from {_OLDEST.year} on, not “{at[:40]}”.")
    return start.replace(microsecond=0)


class Emission(Struct):
    """Samples on their way to a destination."""

    destination: "Destination"
    samples: Sequence[Sample]
    start: datetime
    sent: Counter[Kind] = field(default_factory=Counter)
    """How many the destination has accepted of each kind."""
    on_sent: Callable[[int], None] = lambda _: None

    @property
    def total(self) -> int:
        """How many events the destination has accepted."""
        return self.sent.total()

    @property
    def distinct(self) -> int:
        """How many of these there are when each id counts once."""
        return self.total - self.sent[Kind.REPEAT]

    def send(self) -> None:
        """Send the samples, one kind after the other.

        Raises:
            PublishFailed: the destination does not accept some of them.
        """
        groups: dict[tuple[Kind, str], list[Sample]] = {}
        for sample in self.samples:
            key = sample.kind, sample.activity.campaign_activity_id
            groups.setdefault(key, []).append(sample)
        for (kind, _), group in groups.items():
            activity = group[0].activity
            opens = sorted((sample.new for sample in group), key=lambda new: new.open.created_time)
            for some in batched(opens, _AT_ONCE, strict=False):
                delivery = self.destination.send(activity, some, self.start)
                self.sent[kind] += len(delivery.settled) - delivery.dead_lettered
                self.on_sent(self.total)
                if delivery.failure:
                    raise delivery.failure

    def as_json(self) -> dict[str, Any]:
        """Return what was sent, for a program."""
        return {
            "sent": self.total,
            "distinct_ids": self.distinct,
            "dropped_by_fifo": self._dropped,
            "kinds": {kind: self.sent[kind] for kind in MEANINGS if self.sent[kind]},
        }

    def summary(self, to: str) -> list[str]:
        """Return what was sent, in sentences."""
        lines = [f"Sent {count(self.total, 'sample event')} to {to}:"]
        width = len(str(max(self.sent.values(), default=0)))
        lines += [
            f"  {self.sent[kind]:>{width}} {kind}: {meaning}"
            for kind, meaning in MEANINGS.items()
            if self.sent[kind]
        ]
        ids = count(self.distinct, "distinct id")
        lines.append(f"A correct consumer ends up with {ids}.")
        if self._dropped:
            lines.append(
                "The destination is FIFO, so it drops the repeat itself: the event's id is the "
                f"deduplication id. The consumer receives {count(self.distinct, 'event')}. "
                "Use a standard queue to test how it handles a repeat."
            )
        return lines

    @property
    def _dropped(self) -> int:
        """How many accepted events a FIFO queue or topic does not deliver."""
        return self.sent[Kind.REPEAT] if self.destination.ordered else 0
