"""The vendor's authorization server: what both ways of consent ask it, and what it answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import requests

from email_opens.adapters.retry import Retries
from email_opens.adapters.vendor.http import Reply, Unanswered
from email_opens.adapters.vendor.oauth import post_as_client, read_grant
from email_opens.errors import AccountDisconnected, AccountStopped, EmailOpensError, InvalidInput
from email_opens.model import Tokens
from email_opens.ports import Clock

SCOPES = "campaign_data offline_access account_read"
"""`offline_access` is what a refresh token needs."""
LONGEST_ANSWER = timedelta(minutes=1)
"""How long one question may take, all its tries together."""

_THROTTLED_SECONDS = 1.0
_TOKEN = re.compile(r"[!-~]+")
_OTHER_WAY = (
    InvalidInput,
    (
        "Constant Contact does not allow the application this way of consent: one without a secret "
        "needs the device flow, one with a secret the authorization code flow"
    ),
)
_REFUSALS: dict[str, tuple[type[EmailOpensError], str]] = {
    "access_denied": (
        AccountDisconnected,
        "The consent was denied; nothing was changed. Run the command again to ask anew",
    ),
    "expired_token": (
        AccountDisconnected,
        (
            "Nobody consented in time, and the code has expired; nothing was changed. "
            "Run the command again for another"
        ),
    ),
    "invalid_grant": (
        AccountDisconnected,
        "Constant Contact no longer takes this consent; nothing was changed. Run the command again",
    ),
    "invalid_client": (
        InvalidInput,
        (
            "Constant Contact does not know this client id and secret: copy both anew from the "
            "developer portal"
        ),
    ),
    "invalid_scope": (
        InvalidInput,
        f"Constant Contact does not allow the application the scopes {SCOPES}",
    ),
    "unauthorized_client": _OTHER_WAY,
    "unsupported_grant_type": _OTHER_WAY,
    "unsupported_response_type": _OTHER_WAY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The application at the vendor's developer portal for which an account consents."""

    client_id: str
    client_secret: str | None = None

    def __repr__(self) -> str:
        return "Application(…)"


def application(client_id: str, client_secret: str | None) -> Application:
    """Read what was typed.

    Raises:
        InvalidInput: it is none; the message holds nothing of it.
    """
    key, secret = client_id.strip(), (client_secret or "").strip()
    if not _TOKEN.fullmatch(key) or ":" in key:
        raise InvalidInput(
            "That is no client id: copy the API key of the application from Constant Contact's "
            "developer portal."
        )
    if secret and not _TOKEN.fullmatch(secret):
        raise InvalidInput("That is no client secret: generate another in the developer portal.")
    return Application(client_id=key, client_secret=secret or None)


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    session: requests.Session
    url: str
    clock: Clock

    def ask(
        self, path: str, application: Application, form: Mapping[str, str], before: datetime
    ) -> Reply | Unanswered:
        """Send one request in the application's name."""
        return post_as_client(
            self.session,
            self.url + path,
            application.client_id,
            application.client_secret,
            form,
            clock=self.clock,
            before=before,
        )

    def insist(self, path: str, application: Application, form: Mapping[str, str]) -> Reply:
        """Ask until there is an answer that another try would not better.

        Raises:
            AccountStopped: there is none within the tries.
        """
        before = self.clock.now() + LONGEST_ANSWER
        retries = Retries(self.clock, before)
        while True:
            reply = self.ask(path, application, form, before)
            if isinstance(reply, Reply) and not passing(reply):
                return reply
            said, seconds = str(reply), None
            if isinstance(reply, Reply):
                said = f"it answered {reply.status}{reply.traces()}"
                seconds = wait_seconds(reply, self.clock.now())
            retries.wait(AccountStopped(f"Constant Contact cannot be asked: {said}."), seconds)

    def tokens(self, application: Application, reply: Reply) -> Tokens:
        """Return the tokens that a reply gives to the application.

        Raises:
            AccountStopped: the reply is unusable.
            AccountDisconnected: there is no refresh token among them.
        """
        grant = read_grant(reply, self.clock.now())
        if grant is None:
            raise unusable(reply)
        if grant.refresh_token is None or not _TOKEN.fullmatch(grant.refresh_token):
            raise AccountDisconnected(
                "Constant Contact gave no refresh token: allow the application the scope "
                "offline_access, then run the command again."
            )
        return Tokens(
            client_id=application.client_id,
            client_secret=application.client_secret,
            access_token=grant.access_token,
            refresh_token=grant.refresh_token,
            expires_at=grant.expires_at,
        )


def passing(reply: Reply) -> bool:
    """Say whether a reply is the fault of the moment."""
    crowded = reply.status == HTTPStatus.TOO_MANY_REQUESTS
    return crowded or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def wait_seconds(reply: Reply, now: datetime) -> float | None:
    """Return how long a reply asks to be left alone."""
    asked = reply.retry_after_seconds(now)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return max(_THROTTLED_SECONDS, asked or 0.0)
    return asked


def unusable(reply: Reply) -> AccountStopped:
    return AccountStopped(
        f"Constant Contact's answer ({reply.status}) cannot be used{reply.traces()}; "
        "run the command again."
    )


def refused(word: str | None, traces: str = "") -> EmailOpensError:
    """Return what a refusal means, by the word that OAuth has for it."""
    usual = AccountStopped, f"Constant Contact refused to connect{f' ({word})' if word else ''}"
    kind, said = _REFUSALS.get(word or "", usual)
    return kind(f"{said}{traces}.")


def expired() -> EmailOpensError:
    return refused("expired_token")
