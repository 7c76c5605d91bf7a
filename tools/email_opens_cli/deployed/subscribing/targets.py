"""What can be subscribed to the topic: a queue, a function, a stream, an address or a URL."""

import re
from enum import StrEnum
from hashlib import sha256
from urllib.parse import urlsplit

from msgspec import Struct

from email_opens.alerts.chats import OTHER, service_of
from email_opens.errors import InvalidInput

_QUEUE = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")
_FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STREAM = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ADDRESS = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")
_ARN = re.compile(r"arn:aws[a-z-]*:([a-z]+):([a-z0-9-]+):([0-9]{12}):(.+)")
_LONGEST_QUEUE = 80
_LONGEST_URL = 4096
FIFO = ".fifo"


class Kind(StrEnum):
    """The kinds of subscribers, by SNS's name of the protocol."""

    QUEUE = "sqs"
    FUNCTION = "lambda"
    STREAM = "firehose"
    ADDRESS = "email"
    URL = "https"


NOUNS = {
    Kind.QUEUE: "queue",
    Kind.FUNCTION: "function",
    Kind.STREAM: "stream",
    Kind.ADDRESS: "address",
    Kind.URL: "endpoint",
}
OPTIONS = {
    Kind.QUEUE: "--queue",
    Kind.FUNCTION: "--lambda",
    Kind.STREAM: "--firehose",
    Kind.ADDRESS: "--email",
    Kind.URL: "--https",
}


class Topic(Struct, frozen=True):
    """The topic of the opens, by the parts of its ARN."""

    arn: str
    partition: str
    region: str
    account_id: str
    name: str

    @classmethod
    def of(cls, arn: str) -> "Topic":
        """Return the topic of an ARN.

        Raises:
            InvalidInput: it is not a topic's ARN.
        """
        parts = arn.split(":")
        if len(parts) != 6 or parts[2] != "sns":  # noqa: PLR2004
            raise InvalidInput(f"OPENS_TOPIC_ARN is “{arn[:200]}”, which is not a topic's ARN.")
        return cls(arn, parts[1], parts[3], parts[4], parts[5])

    @property
    def ordered(self) -> bool:
        """Whether it is a FIFO topic."""
        return self.name.endswith(FIFO)


class Target(Struct, frozen=True):
    """A subscriber."""

    kind: Kind
    endpoint: str
    """As SNS lists it: an ARN, an address or a URL."""
    name: str
    region: str
    account_id: str
    """Of the queue, function or stream; those of the topic for an address or a URL."""

    @property
    def shown(self) -> str:
        """The words for it in a sentence, without a secret or a whole address."""
        return f"the {NOUNS[self.kind]} {shortened(self.kind, self.endpoint, self.name)}"

    @property
    def subject(self) -> str:
        """The same at the beginning of a sentence."""
        return self.shown[0].upper() + self.shown[1:]

    @property
    def failed(self) -> str:
        """The name of the queue for what a queue's consumer fails to process."""
        ending = FIFO if self.name.endswith(FIFO) else ""
        return derived(self.name.removesuffix(FIFO), "-failed") + ending


def undelivered_name(target: Target, topic: Topic) -> str:
    """Return the name of the queue for what SNS cannot deliver to a target, and to no other."""
    if target.kind is Kind.URL:
        name = f"https-{digest(target.endpoint)}"
    else:
        name = re.sub("[^A-Za-z0-9_-]", "-", named(target.endpoint).removesuffix(FIFO))
        if target.kind is not Kind.QUEUE:
            name = f"{target.kind}-{name}"
        if target.region != topic.region:
            name += f"-{target.region}"
    return derived(name, "-undelivered") + (FIFO if topic.ordered else "")


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:10]


def derived(name: str, suffix: str) -> str:
    """Return a queue's name with a suffix, cut so that it fits with `.fifo` too."""
    room = _LONGEST_QUEUE - len(suffix) - len(FIFO)
    if len(name) > room:
        name = f"{name[: room - 11]}-{digest(name)}"
    return name + suffix


def shortened(kind: str, endpoint: str, name: str | None = None) -> str:
    """Return an endpoint for a list or a sentence: no whole address, and no path of a URL."""
    if kind in (Kind.ADDRESS, "email-json"):
        local, _, domain = endpoint.rpartition("@")
        return f"{local[:1]}…@{domain}"
    if kind in (Kind.URL, "http"):
        return host_of(endpoint)
    if kind == "sms":
        return f"…{endpoint[-2:]}"
    return name or named(endpoint)


def host_of(url: str) -> str:
    """Return the beginning of a URL: its path, query and password may be secrets."""
    parts = urlsplit(url)
    rest = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{parts.hostname or ''}{rest}"


def named(arn: str) -> str:
    """Return the name at the end of an ARN; of a function with its alias."""
    rest = arn.split(":", 5)[-1]
    return rest.removeprefix("function:").rpartition("/")[2]


def check_queue(text: str) -> None:
    """Make sure that a text is a queue's name or ARN.

    Raises:
        InvalidInput: it is neither.
    """
    found = _ARN.fullmatch(text)
    name = found[4] if found and found[1] == "sqs" else text
    if not _QUEUE.fullmatch(name):
        raise InvalidInput(
            f"“{text[:200]}” is not the name of a queue: expected up to 80 letters, digits, dashes "
            "and underscores, as team-opens, which may end in .fifo, or a queue's ARN."
        )


def check_function(text: str) -> None:
    _function_name(text)


def check_stream(text: str) -> None:
    _stream_name(text)


def check_address(text: str) -> None:
    if not _ADDRESS.fullmatch(text):
        raise InvalidInput("--email needs an address such as team@example.com.")


def check_url(text: str, option: str = "--https") -> None:
    """Make sure that a text is an https URL; its value is not repeated, since it may be a secret.

    Raises:
        InvalidInput: it is none.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme == "http":
        raise InvalidInput(
            f"{option} needs a URL that begins with https://, since events hold addresses; this "
            "one begins with http://."
        )
    printable = text.isascii() and text.isprintable() and " " not in text
    if parts.scheme != "https" or not host or not printable or len(text) > _LONGEST_URL:
        raise InvalidInput(f"{option} needs a URL that begins with https://.")
    if option == "--https" and service_of(text) is not OTHER:
        raise InvalidInput(
            "A chat's webhook does not confirm a subscription of SNS: use `email-opens subscribe "
            "--slack -`, and enter its URL when you are asked for it."
        )


def queue_target(text: str, topic: Topic) -> Target:
    """Return the queue of a name or an ARN; a name is one of the topic's region and account."""
    check_queue(text)
    arn = text if text.startswith("arn:") else queue_arn(topic, text)
    *_, region, account_id, name = arn.split(":")
    return Target(Kind.QUEUE, arn, name, region, account_id)


def function_target(text: str, topic: Topic) -> Target:
    """Return the function of a name or an ARN, with its alias or version."""
    name, qualifier = _function_name(text)
    arn = text
    if not text.startswith("arn:"):
        ending = f":{qualifier}" if qualifier else ""
        arn = (
            f"arn:{topic.partition}:lambda:{topic.region}:{topic.account_id}:function:{name}"
            f"{ending}"
        )
    _, _, _, region, account_id, *_ = arn.split(":")
    return Target(Kind.FUNCTION, arn, name, region, account_id)


def stream_target(text: str, topic: Topic) -> Target:
    """Return the Firehose stream of a name or an ARN."""
    name = _stream_name(text)
    arn = text
    if not text.startswith("arn:"):
        arn = (
            f"arn:{topic.partition}:firehose:{topic.region}:{topic.account_id}:deliverystream/"
            f"{name}"
        )
    _, _, _, region, account_id, *_ = arn.split(":")
    return Target(Kind.STREAM, arn, name, region, account_id)


def address_target(text: str, topic: Topic) -> Target:
    check_address(text)
    return Target(Kind.ADDRESS, text, text, topic.region, topic.account_id)


def url_target(text: str, topic: Topic) -> Target:
    check_url(text)
    return Target(Kind.URL, text, host_of(text), topic.region, topic.account_id)


MAKERS = {
    Kind.QUEUE: queue_target,
    Kind.FUNCTION: function_target,
    Kind.STREAM: stream_target,
    Kind.ADDRESS: address_target,
    Kind.URL: url_target,
}


def queue_arn(topic: Topic, name: str, region: str | None = None) -> str:
    """Return the ARN of a queue in the topic's account, and by default in its region."""
    return f"arn:{topic.partition}:sqs:{region or topic.region}:{topic.account_id}:{name}"


def _function_name(text: str) -> tuple[str, str | None]:
    found = _ARN.fullmatch(text)
    rest = text
    if found and found[1] == "lambda" and found[4].startswith("function:"):
        rest = found[4].removeprefix("function:")
    name, _, qualifier = rest.partition(":")
    if text.startswith("arn:") and rest == text:
        name = ""
    if not _FUNCTION.fullmatch(name) or not re.fullmatch(r"[$A-Za-z0-9_-]{0,128}", qualifier):
        raise InvalidInput(
            f"“{text[:200]}” is not a function: expected its ARN, "
            "arn:aws:lambda:REGION:ACCOUNT:function:NAME, which may end in :ALIAS, or its name."
        )
    return name, qualifier or None


def _stream_name(text: str) -> str:
    found = _ARN.fullmatch(text)
    name = text
    if found and found[1] == "firehose" and found[4].startswith("deliverystream/"):
        name = found[4].removeprefix("deliverystream/")
    if not _STREAM.fullmatch(name):
        raise InvalidInput(
            f"“{text[:200]}” is not a Firehose stream: expected its ARN, "
            "arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME, or its name."
        )
    return name
