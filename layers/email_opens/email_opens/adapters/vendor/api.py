"""Requests to Constant Contact's V3 API, within the pace and the budget of one account.

Each reply is classified here, once, by what the caller should do.
"""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import NoReturn

from email_opens.adapters.retry import Retries
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.pauses import Pauses, unavailable
from email_opens.adapters.vendor.replies.refusals import (
    PRIVILEGES,
    Access,
    Privileges,
    privileges,
    reason,
)
from email_opens.adapters.vendor.replies.reply import Reply, Unanswered
from email_opens.adapters.vendor.resources import (
    Resource,
    account_refusal,
    definite_failure,
    resource_refusal,
)
from email_opens.adapters.vendor.session import Session
from email_opens.adapters.vendor.transport import Pace, Transport
from email_opens.adapters.waits import UNCUT, Waits
from email_opens.allowance.budget import Budget
from email_opens.errors import ReportUnavailable, VendorUnavailable
from email_opens.ports import Clock

MOST_BYTES = 1024 * 1024
"""The size of the longest reply that `VendorApi.reply` accepts."""


class VendorApi:
    """Sends the requests of one account in one invocation.

    The adapters that share an instance share its pace, `requests_per_second` evenly spaced, and
    its budget. Requests for tokens have a limit of their own and are not counted.
    """

    def __init__(
        self,
        session: Session,
        api_url: str,
        tokens: TokenSource,
        clock: Clock,
        *,
        requests_per_second: int,
        budget: Budget,
        waits: Waits = UNCUT,
        pace: Pace | None = None,
    ) -> None:
        self.url = api_url
        self._tokens = tokens
        self._clock = clock
        self._budget = budget
        self._transport = Transport(
            session,
            api_url,
            tokens,
            clock,
            requests_per_second=requests_per_second,
            budget=budget,
            waits=waits,
            pace=pace,
        )
        self._pauses = Pauses(clock, budget)
        self._privileges: Privileges | None = None

    @property
    def requests(self) -> int:
        """How many requests were sent, retries and refused ones included."""
        return self._transport.requests

    @property
    def throttled(self) -> int:
        """How many replies refused a request for its pace."""
        return self._pauses.throttled

    def get[T](self, resource: Resource, decode: Callable[[bytes], T], before: datetime) -> T:
        """Return what `decode` makes of the reply's body, which arrives by `before`.

        `decode` refuses a body with a ValueError: the end of a sentence, without the content.

        Raises:
            OutOfTime: `before` or the budget leaves no request.
            LinkExpired: the resource is a next link that no longer works.
            ActivityGone: the vendor does not know the resource's subject.
            ActivityForbidden: the vendor refuses the resource, and serves the account.
            ReportUnavailable: no attempt got a usable reply.
            AccountStopped: every request of the account would fail.
        """
        retries = Retries(self._clock, before)
        renewed = False
        while True:
            reply = self._transport.send(resource.target, before, resource.most_bytes)
            if isinstance(reply, Unanswered):
                failure = ReportUnavailable(
                    f"The vendor returned no usable {resource.content}: {reply}."
                )
            elif reply.status == HTTPStatus.OK:
                try:
                    content = decode(reply.body)
                except ValueError as fault:
                    failure = ReportUnavailable(
                        f"The vendor returned no usable {resource.content}: "
                        f"{fault}{reply.traces()}."
                    )
                else:
                    self._budget.note_answer()
                    return content
            elif reply.status == HTTPStatus.UNAUTHORIZED and not renewed:
                renewed = True
                if self._needs_new_token(resource, before):
                    self._tokens.discard()
                    self._privileges = None
                    continue
                self._raise_refusal(reply, resource, before)
            elif (
                reply.status == HTTPStatus.FORBIDDEN and not renewed and self._unauthorized(before)
            ):
                # The access token has expired, which is not what the 403 is about.
                renewed = True
                self._tokens.discard()
                self._privileges = None
                continue
            elif reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._pauses.wait_for_the_pace(reply, retries)
                continue
            else:
                self._raise_definite(reply, resource, before)
                failure = ReportUnavailable(f"The vendor answered {reason(reply)}.")
            self._pauses.retry(reply, resource.key, failure, retries)

    def reply(self, target: str, before: datetime) -> Reply:
        """Send one request for a path, without retries, and return its reply of any status.

        Raises:
            OutOfTime: `before` or the budget leaves no request.
            ReportUnavailable: no whole reply came.
            AccountStopped: the account has no access token, or rests.
        """
        reply = self._transport.send(target, before, MOST_BYTES)
        if isinstance(reply, Unanswered):
            raise ReportUnavailable(f"The vendor did not answer: {reply}.")
        throttled = reply.status == HTTPStatus.TOO_MANY_REQUESTS
        if reply.status == HTTPStatus.OK:
            self._budget.note_answer()
        elif throttled or reply.status == HTTPStatus.SERVICE_UNAVAILABLE:
            asked = self._pauses.asked(reply)
            if asked and (throttled or self._budget.outage.suspects_all(target)):
                because = f"The vendor answered {reason(reply)}."
                self._budget.rest(self._clock.now(), asked, because)
        return reply

    def privileges(self, before: datetime) -> Privileges:
        """Return what the account's user may do; the vendor is asked once, with one request.

        Raises:
            OutOfTime: `before` or the budget leaves no request.
            AccountStopped: no request of the account can succeed for now.
        """
        if self._privileges is None:
            reply = self._transport.send(PRIVILEGES, before, MOST_BYTES)
            if isinstance(reply, Reply) and reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise self._pauses.too_many(reply)
            self._privileges = privileges(reply)
        return self._privileges

    # --- What a refusal concerns ---

    def _unauthorized(self, before: datetime) -> bool:
        """Return whether the vendor refuses the access token for what needs no privilege."""
        return self.privileges(before).access is Access.UNAUTHORIZED

    def _needs_new_token(self, resource: Resource, before: datetime) -> bool:
        """Return whether a 401 may be about the access token.

        So that an activity that keeps failing does not cost a new token in each turn, the vendor is
        first asked whether it accepts the present one.
        """
        if resource.key in self._budget.outage.known:
            self.privileges(before)
        known = self._privileges
        return known is None or known.access in (Access.UNAUTHORIZED, Access.UNKNOWN)

    def _raise_refusal(self, reply: Reply, resource: Resource, before: datetime) -> NoReturn:
        """Raise the error of a 401 or 403, which is about the account only if the vendor says so.

        Raises:
            AccountDisconnected: the vendor refuses the account.
            ActivityForbidden: it refuses the resource alone, as far as is known.
        """
        found = self.privileges(before)
        account = account_refusal(found.access, reply, resource, self._tokens.reconnect)
        if account is not None:
            self._budget.note_answer()
            raise account
        failure = resource_refusal(found, reply, resource)
        now, because = self._clock.now(), unavailable(failure)
        # Something in front of the API may refuse everything.
        unknown = found.access is Access.UNKNOWN
        note = self._budget.note_failure if unknown else self._budget.note_refusal
        until = note(resource.key, now, because)
        raise failure if until is None else VendorUnavailable(because, until)

    def _raise_definite(self, reply: Reply, resource: Resource, before: datetime) -> None:
        """Raise the error of a reply that no retry would change; return if one may."""
        if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            self._raise_refusal(reply, resource, before)
        failure = definite_failure(reply, resource)
        if failure is not None:
            self._budget.note_answer()
            raise failure
