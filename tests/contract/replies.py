"""Replies of AWS that the embedded AWS never gives, injected through botocore's events."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

type Parameters = Mapping[str, Any]
type Answer = Callable[[Parameters], Mapping[str, Any] | None]
"""Answers a call, or raises an error; if it returns None, the embedded AWS answers."""


class Answers:
    """Answers the first calls of an operation one after another, and records every call.

    With `then`, every later call is answered as well: most of what AWS refuses, it refuses always.
    """

    def __init__(
        self, client: Any, operation: str, *answers: Answer, then: Answer | None = None
    ) -> None:
        self.calls: list[Parameters] = []
        self._remaining = list(answers)
        self._then = then or nothing_more
        service = client.meta.service_model.service_id.hyphenize()
        events = client.meta.events
        events.register(f"provide-client-params.{service}.{operation}", self._record)
        events.register(f"before-call.{service}.{operation}", self._answer)

    def _record(self, params: Parameters, context: dict[str, Any], **_: Any) -> None:
        self.calls.append(params)
        context["recorded"] = params

    def _answer(self, context: dict[str, Any], **_: Any) -> Any:
        answer = self._remaining.pop(0) if self._remaining else self._then
        reply = answer(context["recorded"])
        if reply is None:
            return None
        status = 400 if "Error" in reply else 200
        metadata = {"HTTPStatusCode": status}
        return SimpleNamespace(status_code=status), {"ResponseMetadata": metadata, **reply}


def error(code: str) -> Answer:
    """Return an answer that refuses the whole call."""
    return lambda _: {"Error": {"Code": code, "Message": f"{code} from AWS"}}


def nothing_more(_: Parameters) -> None:
    """Let the embedded AWS answer."""


def raising(failure: Exception) -> Answer:
    def answer(_: Parameters) -> None:
        raise failure

    return answer
