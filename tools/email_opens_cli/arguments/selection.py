"""Which e-mail a person means: a name, a pattern of names, an id, or a prefix of these. Pure."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from difflib import SequenceMatcher
from unicodedata import normalize

from msgspec import Struct

from email_opens.discovery.selection import Names
from email_opens.errors import InvalidInput

MOST_SUGGESTIONS = 3
MOST_CANDIDATES = 20
"""The most e-mails that a message lists."""

_SIMILAR_NAME = 0.6
_SIMILAR_ID = 0.8
"""How alike a text and a name or an id are, at least, for a suggestion; alike in all is 1."""
_LONGEST_NAME = 100
_NEVER = datetime.min.replace(tzinfo=UTC)
_SHOWN = 60
"""The most characters of a query in a message."""


class Send(Struct, frozen=True):
    """An e-mail that may be chosen: an activity, with what it is known by."""

    activity_id: str
    campaign_id: str | None = None
    name: str | None = None
    sent_at: datetime | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids by which it is chosen."""
        return tuple(filter(None, (self.activity_id, self.campaign_id)))

    @property
    def campaign(self) -> str:
        """What it shares with the other e-mails of its campaign, and with no others."""
        return self.campaign_id or self.activity_id


class Selection(Struct, frozen=True):
    """The e-mails that a query chooses; without any, those with a similar name or id."""

    matches: tuple[Send, ...] = ()
    by_pattern: bool = False
    suggestions: tuple[Send, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether the matches belong to several campaigns, though the query is no pattern."""
        return not self.by_pattern and len({send.campaign for send in self.matches}) > 1


class NotSelected(InvalidInput):
    """A query chooses no e-mail, or several where one is wanted."""

    def __init__(self, sentence: str, sends: Iterable[Send] = ()) -> None:
        super().__init__(sentence)
        self.lines = [described(send) for send in sends]
        """The e-mails to choose from, a line for each."""


def select(query: str, sends: Iterable[Send]) -> Selection:
    """Return the e-mails that a query chooses.

    The first of these rules that finds any decides: the id of an e-mail, the id of a campaign, a
    whole name, a pattern of names with `*` and `?`, the beginning of an id or a name. Case and
    spaces do not matter.
    """
    sends, text = list(sends), normalized(query)
    if not text:
        return Selection()
    pattern = _is_pattern(text)
    rules: list[tuple[Callable[[Send], bool], bool]] = [
        (lambda send: send.activity_id.lower() == text, False),
        (lambda send: (send.campaign_id or "").lower() == text, False),
        (lambda send: normalized(send.name) == text, False),
        (lambda send: pattern and Names((text,)).take(normalized(send.name)), True),
        (lambda send: _begins(send, text), False),
    ]
    for rule, by_pattern in rules:
        if matches := tuple(filter(rule, sends)):
            return Selection(matches, by_pattern)
    return Selection(suggestions=_similar(text[:_LONGEST_NAME], sends))


def select_each(
    queries: Iterable[str], sends: Iterable[Send], *, remedy: str, kind: str = "e-mail"
) -> list[Send]:
    """Return the e-mails that the queries choose, each once, in their order.

    The id or the name of a campaign chooses all of its e-mails. If there is no such e-mail, `kind`
    says of what there is none, and the sentence `remedy` where to look.

    Raises:
        NotSelected: a query chooses none, or those of several campaigns.
    """
    sends = list(sends)
    chosen: dict[str, Send] = {}
    for query in queries:
        selection = select(query, sends)
        if not selection.matches:
            raise _unknown(query, kind, selection.suggestions, remedy)
        if selection.ambiguous:
            raise _ambiguous(query, selection.matches)
        chosen |= {send.activity_id: send for send in selection.matches}
    return list(chosen.values())


def select_one(query: str, sends: Iterable[Send], *, remedy: str, kind: str = "e-mail") -> Send:
    """Return the one e-mail that a query chooses; the rest is as for `select_each`.

    Raises:
        NotSelected: it chooses none, or several.
    """
    selection = select(query, sends)
    match selection.matches:
        case ():
            raise _unknown(query, kind, selection.suggestions, remedy)
        case (send,):
            return send
        case matches:
            raise _ambiguous(query, matches)


def described(send: Send) -> str:
    """Return a line about an e-mail: when it was sent, its id, and its name."""
    sent = f"{send.sent_at:%Y-%m-%d %H:%M}" if send.sent_at else "-"
    return f"  {sent:<16}  {send.activity_id}  {send.name or '-'}"


def normalized(text: str | None) -> str:
    """Return a text as it is compared: without regard to case, spaces and composed characters."""
    return " ".join(normalize("NFC", text or "").split()).casefold()


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _begins(send: Send, text: str) -> bool:
    ids = (activity_id.lower() for activity_id in send.ids)
    return any(known.startswith(text) for known in (*ids, normalized(send.name)))


def _similar(text: str, sends: Iterable[Send]) -> tuple[Send, ...]:
    """Return the e-mails with a name or an id like this text, the most similar first."""
    scores = {send: _similarity(text, send) for send in sends}
    similar = sorted((send for send in scores if scores[send]), key=lambda send: -scores[send])
    return tuple(similar[:MOST_SUGGESTIONS])


def _similarity(text: str, send: Send) -> float:
    """Return how alike a text and a name or an id are, or their beginnings; 0 if they are not."""
    name = normalized(send.name)
    if text in name:
        return 1.0
    by_name = max(_ratio(text, name), _ratio(text, name[: len(text)]))
    by_id = max(_ratio(text, known[: len(text)]) for known in send.ids)
    return max(by_name if by_name >= _SIMILAR_NAME else 0.0, by_id if by_id >= _SIMILAR_ID else 0.0)


def _ratio(text: str, other: str) -> float:
    return SequenceMatcher(None, text, other, autojunk=False).ratio()


def _unknown(query: str, kind: str, suggestions: Sequence[Send], remedy: str) -> NotSelected:
    has = "a name that matches" if _is_pattern(query) else "the name or the id"
    sentence = f"No {kind} has {has} “{query[:_SHOWN]}”."
    if suggestions:
        return NotSelected(f"{sentence} Did you mean:", suggestions)
    return NotSelected(f"{sentence} {remedy}")


def _ambiguous(query: str, matches: Sequence[Send]) -> NotSelected:
    latest = sorted(matches, key=lambda send: send.sent_at or _NEVER, reverse=True)
    listed = f" (the latest {MOST_CANDIDATES} are listed)" if len(matches) > MOST_CANDIDATES else ""
    return NotSelected(
        f"“{query[:_SHOWN]}” matches {len(matches)} e-mails. Use the id of one of them{listed}:",
        latest[:MOST_CANDIDATES],
    )
