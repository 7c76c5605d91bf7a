"""The vendor's authorization server: applications, and the tokens that they hold."""

import base64
import binascii
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import RLock
from typing import Any

from constant_contact_emulator.access.codes import Codes
from constant_contact_emulator.access.devices import DEVICE_GRANT, Devices
from constant_contact_emulator.access.errors import ConsentRefused
from constant_contact_emulator.messages import Reply, Request
from constant_contact_emulator.world.clocks import Clock
from constant_contact_emulator.world.world import DEFAULT_ACCOUNT, World

DEFAULT_SCOPE = "campaign_data account_read offline_access"
_MAX_UNUSED = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Client:
    """An application. Its id is the API key to which the limits apply."""

    client_id: str
    secret: str | None
    account_id: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A pair of tokens, with the application and the account for which it was issued."""

    client_id: str
    client_secret: str | None
    access_token: str
    refresh_token: str
    expires_at: datetime
    scope: str
    account_id: str


@dataclass(slots=True)
class Authorization:
    """Issues, refreshes and checks tokens. Thread-safe."""

    world: World
    rotating: bool = True
    """Whether a refresh replaces the refresh token."""
    names_refresh_token: bool = True
    """Whether the reply to a refresh has a refresh token; if not, the old one stays valid."""
    lifetime: timedelta = timedelta(hours=24)
    """Of access tokens."""
    activate_url: InitVar[str] = ""
    clients: dict[str, Client] = field(default_factory=dict)
    codes: Codes = field(init=False)
    devices: Devices = field(init=False)
    _access: dict[str, Grant] = field(default_factory=dict)
    _refresh: dict[str, tuple[Client, str, datetime]] = field(default_factory=dict)
    """By refresh token: its application, its scope, and when it was last used."""
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self, activate_url: str) -> None:
        self.codes = Codes(self.world)
        self.devices = Devices(self.world, activate_url)

    @property
    def clock(self) -> Clock:
        return self.world.clock

    def add_client(
        self, client_id: str, *, secret: str | None = None, account_id: str = DEFAULT_ACCOUNT
    ) -> Client:
        """Register an application."""
        client = self.clients[client_id] = Client(client_id, secret, account_id)
        return client

    def issue(self, client_id: str, *, scope: str = DEFAULT_SCOPE) -> Grant:
        """Issue a pair of tokens without HTTP."""
        return self._grant(self.clients[client_id], scope, None)

    def accept(self, client_id: str, refresh_token: str) -> None:
        """Make a refresh token of a client valid."""
        with self._lock:
            self._refresh[refresh_token] = (self.clients[client_id], DEFAULT_SCOPE, self.clock())

    def bearer(self, header: str | None) -> Grant | None:
        """Return the grant of an Authorization header if its access token is valid."""
        grant = self._access.get((header or "").removeprefix("Bearer ").strip())
        return grant if grant and self.clock() < grant.expires_at else None

    def expire_access_tokens(self) -> None:
        """Make every access token invalid."""
        with self._lock:
            self._access.clear()

    def revoke(self) -> None:
        """Make every token invalid, as when the owner disconnects the application."""
        with self._lock:
            self._access.clear()
            self._refresh.clear()

    def approve(self, user_code: str) -> None:
        """Consent to a device, as the owner of the account does on the vendor's page."""
        self.devices.approve(user_code)

    def deny(self, user_code: str) -> None:
        """Deny consent to a device."""
        self.devices.deny(user_code)

    def pending_user_codes(self) -> list[str]:
        """Return the user codes of devices that were neither approved nor denied."""
        return self.devices.pending_user_codes()

    def token(self, request: Request, form: dict[str, str]) -> Reply:
        """Answer `POST /token`."""
        client = self._client(request, form)
        if client is None:
            return _refuse("invalid_client", HTTPStatus.UNAUTHORIZED)
        with self._lock:
            try:
                match form.get("grant_type"):
                    case "refresh_token":
                        return self._refresh_grant(client, form.get("refresh_token", ""))
                    case "authorization_code":
                        scope = self.codes.redeem(client.client_id, form)
                    case grant_type if grant_type == DEVICE_GRANT:
                        scope = self.devices.redeem(client.client_id, form.get("device_code", ""))
                    case _:
                        return _refuse("unsupported_grant_type")
            except ConsentRefused as refused:
                return _refuse(str(refused))
            return self._reply(self._grant(client, scope, None))

    def authorize(self, query: dict[str, str]) -> Reply:
        """Answer `GET /authorize`, which a browser visits."""
        if query.get("client_id") not in self.clients:
            return _refuse("invalid_client")
        with self._lock:
            return self.codes.issue(query, query.get("scope", DEFAULT_SCOPE))

    def begin_device(self, form: dict[str, str]) -> Reply:
        """Answer `POST /device/authorize`."""
        client_id = form.get("client_id", "")
        if client_id not in self.clients:
            return _refuse("invalid_client", HTTPStatus.UNAUTHORIZED)
        with self._lock:
            return self.devices.issue(client_id, form.get("scope", DEFAULT_SCOPE))

    def _client(self, request: Request, form: dict[str, str]) -> Client | None:
        """Return the client that a request authenticates; the device flow needs no secret."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            client = self.clients.get(form.get("client_id", ""))
            device_flow = form.get("grant_type") == DEVICE_GRANT
            return client if client and (device_flow or client.secret is None) else None
        try:
            client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        client = self.clients.get(client_id)
        return client if client and (client.secret or "") == secret else None

    def _refresh_grant(self, client: Client, refresh_token: str) -> Reply:
        owner, scope, used_at = self._refresh.get(refresh_token, (None, "", self.clock()))
        if owner != client or self.clock() - used_at > _MAX_UNUSED:
            description = "The refresh token is invalid or expired."
            return _refuse("invalid_grant", description=description)
        if self.rotating and self.names_refresh_token:
            del self._refresh[refresh_token]
            return self._reply(self._grant(client, scope, None))
        reply = self._reply(self._grant(client, scope, refresh_token))
        if not self.names_refresh_token:
            del reply.payload["refresh_token"]
        return reply

    def _grant(self, client: Client, scope: str, refresh_token: str | None) -> Grant:
        """Issue an access token with a refresh token, which is new if None is given."""
        with self._lock:
            now = self.clock()
            grant = Grant(
                client.client_id,
                client.secret,
                f"access-{self.world.new_id()}",
                refresh_token or f"refresh-{self.world.new_id()}",
                now + self.lifetime,
                scope,
                client.account_id,
            )
            self._access[grant.access_token] = grant
            self._refresh[grant.refresh_token] = (client, scope, now)
            return grant

    def _reply(self, grant: Grant) -> Reply:
        reply = {
            "token_type": "Bearer",
            "expires_in": int(self.lifetime.total_seconds()),
            "access_token": grant.access_token,
            "scope": grant.scope,
            "refresh_token": grant.refresh_token,
        }
        return Reply(HTTPStatus.OK, reply)


def _refuse(
    error: str, status: int = HTTPStatus.BAD_REQUEST, *, description: str | None = None
) -> Reply:
    body: dict[str, Any] = {"error": error}
    if description:
        body["error_description"] = description
    return Reply(status, body)
