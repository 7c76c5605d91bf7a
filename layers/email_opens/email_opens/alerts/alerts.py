"""A batch of opens, posted to the webhook: one post for each e-mail, and each open once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from msgspec import Struct, field

from email_opens.alerts.chats import document_of, service_of
from email_opens.alerts.deduplication import Claim, Deduplication, Outcome
from email_opens.alerts.events import NotAnOpen, Opened, read_open
from email_opens.alerts.pace import Pace, pause_after
from email_opens.alerts.ports import LONGEST_POST, Address, Web
from email_opens.alerts.templates import Template
from email_opens.alerts.verdicts import Verdict, verdict_on
from email_opens.confidential import Confidential
from email_opens.errors import EmailOpensError, OutOfTime, WebhookUnusable, unforeseen
from email_opens.ports import Clock

MAYBE_SHOWN = "may have been shown already"
"""The beginning of the reason of a dead letter whose post was interrupted."""
_INTERRUPTED = f"{MAYBE_SHOWN}: the function was interrupted while it posted this open"
_SOON = timedelta(seconds=1)
_TIME_OF_A_POST = LONGEST_POST + timedelta(seconds=2)


class Incoming(Confidential, frozen=True, kw_only=True):
    """A message of the queue."""

    key: str
    """Identifies it within its batch."""
    body: str
    receives: int = 1
    """How often the queue has delivered it, this time included."""
    retried_at: datetime | None = None
    """When a person has sent it again from the dead-letter queue; None: nobody has."""


class Delivered(Struct):
    """What became of a batch; a message that is neither returned nor set aside is done."""

    returned: dict[str, timedelta] = field(default_factory=dict)
    """By the message's key, how long the queue should hide it."""
    set_aside: dict[str, str] = field(default_factory=dict)
    """By the message's key, the reason why it belongs in the dead-letter queue."""
    problems: list[str] = field(default_factory=list)
    """Sentences for the log, without the URL."""
    posts: int = 0
    opens: int = 0
    """Those in the posts."""
    repeats: int = 0
    """Messages about opens that were shown before."""


class _Email(Struct):
    """The messages of a batch about one e-mail."""

    opens: dict[str, Opened] = field(default_factory=dict)
    """By event id."""
    messages: dict[str, list[Incoming]] = field(default_factory=dict)
    """By event id: a batch may hold an event more than once."""


class Alerts:
    """Posts batches of opens to a webhook."""

    def __init__(
        self,
        *,
        address: Address,
        web: Web,
        deduplication: Deduplication,
        clock: Clock,
        pace: Pace | None = None,
        template: Template | None = None,
    ) -> None:
        self._address = address
        self._web = web
        self._deduplication = deduplication
        self._clock = clock
        self._pace = pace or Pace()
        self._template = template

    def deliver(self, messages: Iterable[Incoming], before: datetime) -> Delivered:
        """Post the opens in messages; start no post that could end after `before`.

        Raises:
            OutOfTime: a signal has ended the program in the meantime.
        """
        delivered, usable = Delivered(), True
        for campaign_activity_id, email in _by_email(messages, delivered).items():
            if not usable:
                _return(email, email.opens, delivered)
                continue
            try:
                self._post(campaign_activity_id, email, before, delivered)
            except OutOfTime:
                raise
            except WebhookUnusable as error:
                # Reading the URL anew for each e-mail could take longer than the function may.
                usable = False
                delivered.problems.append(_sentence(error))
                _return(email, email.opens, delivered)
            except Exception as error:  # noqa: BLE001 - the other e-mails are not affected
                delivered.problems.append(_sentence(error))
                _return(email, email.opens, delivered)
        return delivered

    def _post(
        self, campaign_activity_id: str, email: _Email, before: datetime, delivered: Delivered
    ) -> None:
        now = self._clock.now()
        if self._pace.pause_left(now):
            _return(email, email.opens, delivered, self._pace.pause_left(now))
            return
        if now + _TIME_OF_A_POST > before:
            _return(email, email.opens, delivered, _SOON, growing=False)
            return
        url, now = self._address.read(), self._clock.now()
        service, host = service_of(url), f"{urlsplit(url).hostname}"
        wait = self._pace.wait(now, service.apart)
        if now + wait + _TIME_OF_A_POST > before:
            _return(email, email.opens, delivered, _SOON, growing=False)
            return
        if wait:
            self._clock.sleep(wait.total_seconds())
        retried = {
            event: max(instants)
            for event, copies in email.messages.items()
            if (instants := [copy.retried_at for copy in copies if copy.retried_at is not None])
        }
        claim = self._deduplication.claim(campaign_activity_id, email.opens, retried)
        self._settle_others(email, claim, delivered)
        opens = sorted(
            (email.opens[event] for event in claim.ours),
            key=lambda opened: (opened.opened_at, opened.event_id),
        )
        if not opens:
            return
        now = self._clock.now()
        if now > min(claim.latest_start, before - LONGEST_POST):
            # Storing the claim has taken too long.
            self._deduplication.settle(campaign_activity_id, claim, Outcome.FAILED)
            _return(email, claim.ours, delivered, _SOON)
            return
        document = document_of(service, opens, now, self._template)
        reply = self._web.post(url, document, before=before)
        verdict = verdict_on(reply, service, host, self._address.mend)
        self._pace.note(verdict, self._clock.now(), service.apart)
        if verdict.is_refused:
            self._address.forget()
        if verdict.problem:
            delivered.problems.append(verdict.problem)
        self._record(campaign_activity_id, email, claim, verdict, delivered)

    def _settle_others(self, email: _Email, claim: Claim, delivered: Delivered) -> None:
        """Settle the messages about opens that this post does not show."""
        delivered.repeats += sum(len(email.messages[event]) for event in claim.shown)
        for event, end in claim.elsewhere.items():
            left = max(_SOON, end - self._clock.now() + _SOON)
            _return(email, [event], delivered, left, growing=False)
        _set_aside(email, claim.unknown, delivered, _INTERRUPTED)

    def _record(
        self,
        campaign_activity_id: str,
        email: _Email,
        claim: Claim,
        verdict: Verdict,
        delivered: Delivered,
    ) -> None:
        """Settle the messages that a post has shown or not, and store its outcome for others."""
        match verdict.outcome:
            case Outcome.SENT:
                delivered.posts += 1
                delivered.opens += len(claim.ours)
            case Outcome.FAILED:
                left = self._pace.pause_left(self._clock.now())
                _return(email, claim.ours, delivered, left)
            case None:
                _set_aside(email, claim.ours, delivered, f"{MAYBE_SHOWN}: {verdict.problem}")
        if verdict.outcome is not None:
            try:
                self._deduplication.settle(campaign_activity_id, claim, verdict.outcome)
            except OutOfTime:
                raise
            except Exception as error:  # noqa: BLE001 - what was posted is settled all the same
                # A copy of one of these messages finds no outcome, and so is not posted again.
                delivered.problems.append(_sentence(error))


def _sentence(error: Exception) -> str:
    """Return an error's message; for an unforeseen one only its place, since its text may leak."""
    return str(error) if isinstance(error, EmailOpensError) else unforeseen(error)


def _by_email(messages: Iterable[Incoming], delivered: Delivered) -> dict[str, _Email]:
    """Return the opens in messages by e-mail, and set aside what is no open."""
    emails: dict[str, _Email] = {}
    for message in messages:
        try:
            opened = read_open(message.body)
        except NotAnOpen as error:
            delivered.set_aside[message.key] = str(error)
            continue
        email = emails.setdefault(opened.campaign_activity_id, _Email())
        email.opens[opened.event_id] = opened
        email.messages.setdefault(opened.event_id, []).append(message)
    return emails


def _return(
    email: _Email,
    events: Iterable[str],
    delivered: Delivered,
    least: timedelta = timedelta(),
    *,
    growing: bool = True,
) -> None:
    """Return messages to the queue, for at least `least`; if `growing`, longer at each receive."""
    for event in events:
        for message in email.messages[event]:
            if message.key not in delivered.set_aside:
                grown = pause_after(message.receives) if growing else timedelta()
                delivered.returned[message.key] = max(least, grown)


def _set_aside(email: _Email, events: Iterable[str], delivered: Delivered, reason: str) -> None:
    for event in events:
        for message in email.messages[event]:
            delivered.set_aside[message.key] = reason
