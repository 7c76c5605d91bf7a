"""Replies of AWS that the embedded one never gives, put in through botocore's own events."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

type Parameters = Mapping[str, Any]
type Answer = Callable[[Parameters], Mapping[str, Any] | None]
"""Answers a call, or raises in its stead; None: the embedded AWS answers."""


class Answers:
    """Answers calls of an operation in turn, then leaves them alone; remembers all of them."""

    def __init__(self, client: Any, operation: str, *answers: Answer) -> None:
        self.calls: list[Parameters] = []
        self._left = list(answers)
        service = client.meta.service_model.service_id.hyphenize()
        events = client.meta.events
        events.register(f"provide-client-params.{service}.{operation}", self._note)
        events.register(f"before-call.{service}.{operation}", self._answer)

    def _note(self, params: Parameters, context: dict[str, Any], **_: Any) -> None:
        self.calls.append(params)
        context["asked"] = params

    def _answer(self, context: dict[str, Any], **_: Any) -> Any:
        if not self._left:
            return None
        reply = self._left.pop(0)(context["asked"])
        if reply is None:
            return None
        status = 400 if "Error" in reply else 200
        metadata = {"HTTPStatusCode": status}
        return SimpleNamespace(status_code=status), {"ResponseMetadata": metadata, **reply}


def error(code: str) -> Answer:
    """Refuse the whole call."""
    return lambda _: {"Error": {"Code": code, "Message": f"{code}, said AWS"}}


def nothing_more(_: Parameters) -> None:
    """Let the embedded AWS answer."""


def raising(failure: Exception) -> Answer:
    def answer(_: Parameters) -> None:
        raise failure

    return answer
