"""Words of sentences that depend on a number."""


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: “1 open”, “2 opens”."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
