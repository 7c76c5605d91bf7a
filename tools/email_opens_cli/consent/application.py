"""The vendor's authorization server, as both consent flows use it."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

from msgspec import Struct

from email_opens.account import Tokens
from email_opens.adapters.retry import Retries
from email_opens.adapters.vendor.access.authorization_server import post_as_client, read_grant
from email_opens.adapters.vendor.replies.reply import Reply, Unanswered
from email_opens.adapters.vendor.session import Session
from email_opens.errors import AccountDisconnected, AccountStopped, EmailOpensError, InvalidInput
from email_opens.ports import Clock

SCOPES = "campaign_data offline_access account_read"
"""`offline_access` grants a refresh token."""
LONGEST_REQUEST = timedelta(minutes=1)
"""The limit on one request, retries included."""

_THROTTLED_SECONDS = 1.0
_TOKEN = re.compile(r"[!-~]+")
_WRONG_FLOW = (
    InvalidInput,
    (
        "Constant Contact does not allow the application this flow: an application without a "
        "secret needs the device flow, one with a secret the authorization code flow"
    ),
)
_REFUSALS: dict[str, tuple[type[EmailOpensError], str]] = {
    "access_denied": (
        AccountDisconnected,
        "The consent was denied; nothing was changed. Run the command again to retry",
    ),
    "expired_token": (
        AccountDisconnected,
        (
            "Consent was not given in time, and the code has expired; nothing was changed. "
            "Run the command again for a new code"
        ),
    ),
    "invalid_grant": (
        AccountDisconnected,
        (
            "Constant Contact no longer accepts this consent; nothing was changed. "
            "Run the command again"
        ),
    ),
    "invalid_client": (
        InvalidInput,
        (
            "Constant Contact does not know this client id and secret: copy both again from the "
            "developer portal"
        ),
    ),
    "invalid_scope": (
        InvalidInput,
        f"Constant Contact does not allow the application the scopes {SCOPES}",
    ),
    "unauthorized_client": _WRONG_FLOW,
    "unsupported_grant_type": _WRONG_FLOW,
    "unsupported_response_type": _WRONG_FLOW,
}


class Application(Struct, frozen=True, kw_only=True):
    """An application of the vendor's developer portal, which a person allows to read an account."""

    client_id: str
    client_secret: str | None = None

    def __repr__(self) -> str:
        return "Application(…)"


def application(client_id: str, client_secret: str | None) -> Application:
    """Return the application that a person typed in.

    Raises:
        InvalidInput: the id or the secret is malformed; the message repeats neither.
    """
    key, secret = client_id.strip(), (client_secret or "").strip()
    if not _TOKEN.fullmatch(key) or ":" in key:
        raise InvalidInput(
            "This is not a client id: copy the API key of the application from Constant Contact's "
            "developer portal."
        )
    if secret and not _TOKEN.fullmatch(secret):
        raise InvalidInput("This is not a client secret: generate another in the developer portal.")
    return Application(client_id=key, client_secret=secret or None)


class AuthorizationServer(Struct, frozen=True):
    session: Session
    url: str
    clock: Clock

    def post(
        self, path: str, application: Application, form: Mapping[str, str], before: datetime
    ) -> Reply | Unanswered:
        """Send one request, authenticated as the application."""
        return post_as_client(
            self.session,
            self.url + path,
            application.client_id,
            application.client_secret,
            form,
            clock=self.clock,
            before=before,
        )

    def post_with_retries(
        self, path: str, application: Application, form: Mapping[str, str]
    ) -> Reply:
        """Send a request until its reply is not a transient failure.

        Raises:
            AccountStopped: every attempt failed.
        """
        before = self.clock.now() + LONGEST_REQUEST
        retries = Retries(self.clock, before)
        while True:
            reply = self.post(path, application, form, before)
            if isinstance(reply, Reply) and not is_transient(reply):
                return reply
            problem, seconds = str(reply), None
            if isinstance(reply, Reply):
                problem = f"it answered {reply.status}{reply.traces()}"
                seconds = wait_seconds(reply, self.clock.now())
            retries.wait(AccountStopped(f"Constant Contact is unavailable: {problem}."), seconds)

    def tokens(self, application: Application, reply: Reply) -> Tokens:
        """Return the tokens that a reply grants to the application.

        Raises:
            AccountStopped: the reply is unusable.
            AccountDisconnected: the reply has no refresh token.
        """
        grant = read_grant(reply, self.clock.now())
        if grant is None:
            raise unusable(reply)
        if grant.refresh_token is None or not _TOKEN.fullmatch(grant.refresh_token):
            raise AccountDisconnected(
                "Constant Contact returned no refresh token: allow the application the scope "
                "offline_access, then run the command again."
            )
        return Tokens(
            client_id=application.client_id,
            client_secret=application.client_secret,
            access_token=grant.access_token,
            refresh_token=grant.refresh_token,
            expires_at=grant.expires_at,
        )


def is_transient(reply: Reply) -> bool:
    """Return whether a reply is a failure that a retry may fix."""
    throttled = reply.status == HTTPStatus.TOO_MANY_REQUESTS
    return throttled or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def wait_seconds(reply: Reply, now: datetime) -> float | None:
    """Return the wait that a reply requests, at least a second if it throttles; None if none."""
    seconds = reply.retry_after_seconds(now)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return max(_THROTTLED_SECONDS, seconds or 0.0)
    return seconds


def unusable(reply: Reply) -> AccountStopped:
    return AccountStopped(
        f"Constant Contact's reply ({reply.status}) is unusable{reply.traces()}; "
        "run the command again."
    )


def refusal(code: str | None, traces: str = "") -> EmailOpensError:
    """Return the error for a refusal with this OAuth error code."""
    default = AccountStopped, f"Constant Contact refused to connect{f' ({code})' if code else ''}"
    kind, message = _REFUSALS.get(code or "", default)
    return kind(f"{message}{traces}.")


def expired() -> EmailOpensError:
    return refusal("expired_token")
