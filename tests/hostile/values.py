"""Hostile input: values of every kind and size, some of which contain secrets."""

import json
import traceback
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

ADDRESS = "bo.lund@example.com"
SECRET = "refresh-5e31-token"
MEGABYTE = 1_000_000
DEEPEST = 9_000
"""The depth of brackets that Python's JSON reader still accepts."""

numbers_as_text = st.integers().map(str) | st.floats().map(str) | st.builds(lambda: "9" * 5_000)
texts = st.text() | st.sampled_from([ADDRESS, SECRET, "", "\ud800", "\x00"]) | numbers_as_text
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.builds(lambda: 10**400),
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)
instants_as_text = (
    st.datetimes(timezones=st.timezones()).map(lambda instant: instant.isoformat())
    | st.sampled_from(
        [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59-23:59",
            "2026-02-30T00:00:00Z",
            "2026-W10-1T14:07Z",
        ]
    )
    | st.builds(lambda: "2026-03-02T14:07:00." + "0" * 5_000 + "Z")
    | texts
)


def nested(levels: int) -> str:
    """Return JSON lists nested to a depth."""
    return "[" * levels + "]" * levels


def bodies(replies: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Return replies as bytes: whole, cut off, in another encoding, or noise."""
    whole = replies.map(json.dumps)
    return st.one_of(
        whole.map(str.encode),
        whole.map(lambda text: text.encode("utf-16")),
        whole.map(lambda text: text[: len(text) // 2].encode()),
        whole.map(lambda text: b"\xff" + text.encode()),
        st.binary(),
        st.builds(lambda: nested(DEEPEST).encode()),
        st.builds(lambda: b"[" * 100_000),
    )


def refusal[E: Exception](kind: type[E], work: Callable[[], object]) -> E | None:
    """Return the error of this kind that some work raises; None if it succeeds."""
    try:
        work()
    except kind as error:
        return error
    return None


def leaked(error: BaseException | None) -> list[str]:
    """Return the secrets that the log of an error would contain."""
    trace = "" if error is None else "".join(traceback.format_exception(error))
    return [secret for secret in (ADDRESS, SECRET) if secret in trace]
