"""Access tokens: loaded at first use, refreshed when they end or are refused.

A refresh token may be good for one refresh only. So the new pair is stored before it is used,
and whoever finds the token spent looks once more whether another has stored a newer one.
"""

import base64
import re
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import requests

from email_opens.adapters.retry import ATTEMPT_SECONDS, Retries
from email_opens.adapters.vendor.http import Reply, Unanswered, exchange
from email_opens.errors import AccountDisconnected, AccountStopped, OutOfTime, Throttled
from email_opens.model import Tokens
from email_opens.ports import Clock, Credentials

MARGIN = timedelta(minutes=1)
"""A token that ends within it is not used any more."""
USUAL_LIFETIME = timedelta(hours=1)
"""Of an access token whose reply does not say: shorter than any that the vendor documents."""
LONGEST_LIFETIME = timedelta(days=30)
"""Whatever a reply says."""

_MOST_BYTES = 65_536
_FIRST_WAIT_SECONDS = 1.0
_TOKEN = re.compile(r"[!-~]+")


class _Spent(Exception):
    """The refresh token is no longer good."""


class TokenSource:
    """The bearer tokens of one account, for one invocation; it holds the account's lease."""

    def __init__(
        self,
        account_id: str,
        credentials: Credentials,
        session: requests.Session,
        auth_url: str,
        clock: Clock,
    ) -> None:
        self._account_id = account_id
        self._credentials = credentials
        self._session = session
        self._url = f"{auth_url}/token"
        self._clock = clock
        self._tokens: Tokens | None = None
        self._refused: str | None = None
        self._stored = True

    def access_token(self, before: datetime) -> str:
        """Return a token that is good as far as is known; begin nothing after `before`.

        Raises:
            AccountDisconnected: a person must connect the account again.
            AccountStopped: the vendor gives no token for now.
            OutOfTime: `before` leaves no time for asking.
        """
        if self._tokens is None:
            self._tokens = self._credentials.load(self._account_id)
        if not self._stored:
            # It was refused by the store before; the vendor may never give it again.
            self._store(self._tokens)
        return self._good(self._tokens) or self._renew(self._tokens, before)

    def refused(self) -> None:
        """Hear that the vendor refused the token: the next one is another."""
        if self._tokens is None:
            return
        self._refused = self._tokens.access_token
        if self._stored:
            # Whoever has connected the account anew has stored a pair of their own.
            self._tokens = None

    def command(self) -> str:
        """Return what a person runs to connect the account again."""
        return f"`email-opens connect {self._account_id}`"

    def _good(self, tokens: Tokens) -> str | None:
        token, ends = tokens.access_token, tokens.expires_at
        if token is None or token == self._refused or not _TOKEN.fullmatch(token):
            return None
        if ends is None or ends <= self._clock.now() + MARGIN:
            return None
        return token

    def _renew(self, tokens: Tokens, before: datetime) -> str:
        """Refresh; where the refresh token is spent, with the one that another has stored."""
        retries = Retries(self._clock, before)
        try:
            return self._refresh(tokens, before, retries)
        except _Spent:
            newer = self._credentials.load(self._account_id)
        if newer.refresh_token != tokens.refresh_token:
            self._tokens = newer
            good = self._good(newer)
            if good is not None:
                return good
            try:
                return self._refresh(newer, before, retries)
            except _Spent:
                pass
        raise self._disconnected("has a refresh token that the vendor no longer takes")

    def _refresh(self, tokens: Tokens, before: datetime, retries: Retries) -> str:
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        headers = {}
        if tokens.client_secret is None:
            form["client_id"] = tokens.client_id
        else:
            pair = f"{tokens.client_id}:{tokens.client_secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        while True:
            reply = self._ask(headers, form, before)
            fresh = self._pair(reply, tokens) if isinstance(reply, Reply) else None
            if fresh is not None:
                self._store(fresh)
                return fresh.access_token or ""
            seconds = None
            failure = AccountStopped("The vendor gave no access token: its reply was unusable.")
            if isinstance(reply, Unanswered):
                failure = AccountStopped(f"The vendor gave no access token: {reply}.")
            elif reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                asked = reply.retry_after_seconds(self._clock.now())
                seconds = max(_FIRST_WAIT_SECONDS, asked or 0.0)
                failure = Throttled(f"The vendor throttles access tokens{reply.traces()}.")
            elif HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                self._judge(reply)
            elif reply.status != HTTPStatus.OK:
                seconds = reply.retry_after_seconds(self._clock.now())
                failure = AccountStopped(
                    f"The vendor gave no access token: it answered {reply.status}{reply.traces()}."
                )
            retries.wait(failure, seconds)

    def _ask(
        self, headers: dict[str, str], form: dict[str, str], before: datetime
    ) -> Reply | Unanswered:
        if (before - self._clock.now()).total_seconds() < ATTEMPT_SECONDS:
            raise OutOfTime("No time is left to ask for an access token.")
        try:
            return exchange(
                self._session,
                "POST",
                self._url,
                headers=headers,
                form=form,
                clock=self._clock,
                before=before,
                most_bytes=_MOST_BYTES,
            )
        except Unanswered as error:
            return error

    def _judge(self, reply: Reply) -> None:
        """Raise what a 4xx means; return if another try may fare better."""
        error = reply.error_key("error", "error_key")
        if error == "invalid_grant":
            raise _Spent
        if error is not None or reply.status == HTTPStatus.UNAUTHORIZED:
            said = error or reply.status
            raise self._disconnected(
                f"was refused an access token ({said}){reply.traces()}; mend its key and secret"
            )

    def _pair(self, reply: Reply, old: Tokens) -> Tokens | None:
        """Return the new pair with all else of the old one; None if the reply has none."""
        said = reply.json()
        if reply.status != HTTPStatus.OK or not isinstance(said, dict):
            return None
        access, refresh = said.get("access_token"), said.get("refresh_token")
        if not (isinstance(access, str) and _TOKEN.fullmatch(access)):
            return None
        if not (isinstance(refresh, str) and refresh):
            refresh = old.refresh_token
        ends = self._clock.now() + _lifetime(said.get("expires_in"))
        return replace(old, access_token=access, refresh_token=refresh, expires_at=ends)

    def _store(self, tokens: Tokens) -> None:
        self._tokens, self._stored = tokens, False
        self._credentials.store(self._account_id, tokens)
        self._stored = True

    def _disconnected(self, what: str) -> AccountDisconnected:
        return AccountDisconnected(f"Account “{self._account_id}” {what}: run {self.command()}.")


def _lifetime(expires_in: Any) -> timedelta:
    try:
        seconds = max(0, int(expires_in))
        return min(timedelta(seconds=seconds), LONGEST_LIFETIME)
    except (TypeError, ValueError, OverflowError):
        return USUAL_LIFETIME
