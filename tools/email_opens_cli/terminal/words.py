"""Words of sentences and cells that depend on a number."""

from datetime import datetime

from email_opens.model import Activity


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: “1 open”, “2 opens”."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def named(activity: Activity) -> str:
    """Return the words for an activity in a sentence: its name if it has one, and its id."""
    return titled(activity.campaign_activity_id, activity.campaign_name)


def titled(own_id: str, name: str | None) -> str:
    """Return an id in a sentence, after the name if there is one."""
    return f"“{name}” ({own_id})" if name else own_id


def age(seconds: float) -> str:
    """Return a duration in its largest whole unit: `25s`, `3m`, `2h`, `4d`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"


def ago(instant: datetime, now: datetime) -> str:
    """Return how long ago an instant was, such as `5m ago`."""
    return f"{age(max(0.0, (now - instant).total_seconds()))} ago"
