"""Access tokens: loaded at first use, refreshed when they expire or are refused.

A refresh token may be good for one refresh only. So before a refresh, the old pair is written back,
which shows that the store accepts a new one. The new pair is stored before it is used, and kept in
memory until it is stored. When the vendor refuses a refresh token, the store is read once more:
another invocation may have refreshed it.

A process remembers the stored tokens for minutes, since turns may be seconds apart. When the vendor
refuses the access token, the store is read.
"""

from collections.abc import MutableMapping
from copy import replace
from datetime import datetime, timedelta
from http import HTTPStatus

from email_opens.account import Tokens
from email_opens.adapters.retry import ATTEMPT_SECONDS, Retries
from email_opens.adapters.vendor.access.authorization_server import (
    SENDABLE,
    post_as_client,
    read_grant,
)
from email_opens.adapters.vendor.access.token_storage import Remembered, Renewed, store_until
from email_opens.adapters.vendor.replies.reply import Reply, Unanswered
from email_opens.adapters.vendor.session import Session
from email_opens.adapters.waits import UNCUT, Waits
from email_opens.errors import (
    AccountDisconnected,
    AccountStopped,
    InvalidInput,
    OutOfTime,
    Throttled,
)
from email_opens.ports import Clock, Credentials

MARGIN = timedelta(minutes=1)
"""An access token that expires within this time is refreshed."""
RECORDING = timedelta(seconds=5)
"""The end of a lease, kept to record why new tokens could not be stored."""
RECONNECT = "email-opens connect {account_id}"

_THROTTLED_SECONDS = 1.0


class _Spent(Exception):
    """The vendor no longer accepts the refresh token."""


class TokenSource:
    """The access tokens of one account, for one invocation that holds the account's lease.

    `reconnect` is the command that connects the account again, with `{account_id}` in it. The
    lease lasts `until`; None: until each request's own deadline. From one invocation to the next,
    by account id, `renewed` holds the pairs that the process has received, and `remembered` those
    that the store had.
    """

    def __init__(
        self,
        account_id: str,
        credentials: Credentials,
        session: Session,
        auth_url: str,
        clock: Clock,
        *,
        reconnect: str = RECONNECT,
        waits: Waits = UNCUT,
        until: datetime | None = None,
        renewed: MutableMapping[str, Renewed] | None = None,
        remembered: MutableMapping[str, Remembered] | None = None,
    ) -> None:
        self.reconnect = f"`{reconnect.format(account_id=account_id)}`"
        self._account_id = account_id
        self._credentials = credentials
        self._session = session
        self._url = f"{auth_url}/token"
        self._clock = clock
        self._waits = waits
        self._until = until
        self._renewed = {} if renewed is None else renewed
        self._remembered = {} if remembered is None else remembered
        self._tokens: Tokens | None = None
        self._refused: str | None = None

    def access_token(self, before: datetime) -> str:
        """Return a token that is neither expired nor refused; start no request after `before`.

        Raises:
            AccountDisconnected: a person must connect the account again.
            AccountStopped: the vendor returns no token for now, or the store refuses it.
            OutOfTime: `before` leaves no time for a request.
        """
        if self._tokens is None:
            self._tokens = self._recent() or self._load(before)
        return self._usable(self._tokens) or self._renew(before)

    def discard(self) -> None:
        """Stop using the current access token, which the vendor has refused."""
        if self._tokens is None:
            return
        self._refused = self._tokens.access_token
        # Load again: a person may have connected the account and stored a new pair meanwhile.
        self._tokens = None
        self._remembered.pop(self._account_id, None)

    def _recent(self) -> Tokens | None:
        """Return the tokens that the process remembers, if they are recent and can be used."""
        remembered = self._remembered.get(self._account_id)
        if remembered is None or not remembered.is_recent(self._clock.now()):
            return None
        return remembered.tokens if self._usable(remembered.tokens) else None

    def _remember(self, tokens: Tokens) -> None:
        self._remembered[self._account_id] = Remembered(tokens, self._clock.now())

    def _load(self, before: datetime) -> Tokens:
        """Return the stored tokens, or the pair that could not be stored, after storing it."""
        tokens = self._stored(before)
        self._remember(tokens)
        return tokens

    def _stored(self, before: datetime) -> Tokens:
        stored = self._credentials.load(self._account_id)
        renewed = self._renewed.get(self._account_id)
        if renewed is None:
            return stored
        if not renewed.completes(stored):
            # Newer tokens were stored since, by another invocation or a person.
            del self._renewed[self._account_id]
            return stored
        if not renewed.stored:
            self._store(renewed, before)
        return renewed.tokens

    def _usable(self, tokens: Tokens) -> str | None:
        token, expires_at = tokens.access_token, tokens.expires_at
        if token is None or token == self._refused or not SENDABLE.fullmatch(token):
            return None
        if expires_at is None or expires_at <= self._clock.now() + MARGIN:
            return None
        return token

    def _renew(self, before: datetime) -> str:
        """Refresh the tokens, or those that another invocation has stored if these are spent."""
        retries = Retries(self._clock, before)
        self._check_time(before)
        self._remembered.pop(self._account_id, None)
        tokens = self._tokens = self._credentials.rewrite(self._account_id)
        try:
            return self._usable(tokens) or self._refresh(tokens, before, retries)
        except _Spent:
            newer = self._credentials.load(self._account_id)
        if newer.refresh_token != tokens.refresh_token:
            self._tokens = newer
            usable = self._usable(newer)
            if usable is not None:
                return usable
            try:
                return self._refresh(newer, before, retries)
            except _Spent:
                pass
        raise AccountDisconnected(
            f"The vendor no longer accepts the refresh token of account “{self._account_id}”: "
            f"run {self.reconnect}."
        )

    def _refresh(self, tokens: Tokens, before: datetime, retries: Retries) -> str:
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        while True:
            self._check_time(before)
            self._waits.check()
            # The vendor may never return the new pair again, so the lease's end is the deadline: a
            # turn that was woken late in its minute may begin a request with a second left.
            with self._waits.for_what_is_in_hand():
                reply = post_as_client(
                    self._session,
                    self._url,
                    tokens.client_id,
                    tokens.client_secret,
                    form,
                    clock=self._clock,
                    before=self._lasts_until(before),
                )
            now = self._clock.now()
            grant = read_grant(reply, now) if isinstance(reply, Reply) else None
            if grant is not None:
                self._tokens = None
                pair = replace(
                    tokens,
                    access_token=grant.access_token,
                    refresh_token=grant.refresh_token or tokens.refresh_token,
                    expires_at=grant.expires_at,
                )
                self._store(Renewed(spent=tokens.refresh_token, tokens=pair), before)
                self._tokens = pair
                self._remember(pair)
                return grant.access_token
            seconds = None
            failure = AccountStopped("The vendor returned no access token: its reply is unusable.")
            if isinstance(reply, Unanswered):
                failure = AccountStopped(f"The vendor returned no access token: {reply}.")
            elif reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                seconds = max(_THROTTLED_SECONDS, reply.retry_after_seconds(now) or 0.0)
                failure = Throttled(
                    f"The vendor throttled every request for an access token{reply.traces()}."
                )
            elif HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                self._raise_refusal(reply)
            elif reply.status != HTTPStatus.OK:
                seconds = reply.retry_after_seconds(now)
                failure = AccountStopped(
                    "The vendor returned no access token: "
                    f"it answered {reply.status}{reply.traces()}."
                )
            retries.wait(failure, seconds)

    def _lasts_until(self, before: datetime) -> datetime:
        """Return until when a refresh that was begun may last, although none begins so late."""
        return max(before, self._until - RECORDING if self._until else before)

    def _check_time(self, before: datetime) -> None:
        if (before - self._clock.now()).total_seconds() < ATTEMPT_SECONDS:
            raise OutOfTime("No time is left to request an access token.")

    def _raise_refusal(self, reply: Reply) -> None:
        """Raise the error of a 4xx, unless a retry may help."""
        error = reply.error_key("error", "error_key")
        if error == "invalid_grant":
            raise _Spent
        if error is not None or reply.status == HTTPStatus.UNAUTHORIZED:
            raise AccountDisconnected(
                f"The vendor refused account “{self._account_id}” an access token "
                f"({error or reply.status}){reply.traces()}: check the application's client id and "
                f"secret, then run {self.reconnect}."
            )

    def _store(self, renewed: Renewed, before: datetime) -> None:
        """Store a new pair, which is kept in memory until the store accepts it."""
        account_id = self._account_id
        self._renewed[account_id] = renewed
        until = self._lasts_until(before)
        try:
            store_until(self._credentials, account_id, renewed.tokens, self._clock, until)
        except (AccountStopped, InvalidInput) as error:
            remedy = "the next turn requests others."
            if renewed.tokens.refresh_token != renewed.spent:
                remedy = (
                    "this process keeps them in memory for its next turn. If another turn reports "
                    f"that the refresh token is no longer accepted, run {self.reconnect}."
                )
            raise AccountStopped(
                f"The new tokens of account “{account_id}” could not be stored: {remedy} {error}"
            ) from None
        self._renewed[account_id] = replace(renewed, stored=True)
