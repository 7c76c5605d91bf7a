"""The vendor's authorization server: refresh tokens, and consent here or on another device."""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import RLock
from typing import Any

from constant_contact_emulator.access.codes import Codes
from constant_contact_emulator.messages import Reply, Request
from constant_contact_emulator.world.clocks import Clock
from constant_contact_emulator.world.world import DEFAULT_ACCOUNT, World

DEFAULT_SCOPE = "campaign_data account_read offline_access"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_UNUSED = timedelta(days=180)
_CODE_LIFETIME = timedelta(seconds=600)
_INTERVAL_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Client:
    """An application: its id is the API key that the limits count by."""

    client_id: str
    secret: str | None
    account_id: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A pair of tokens as its owner holds it."""

    client_id: str
    client_secret: str | None
    access_token: str
    refresh_token: str
    expires_at: datetime
    scope: str
    account_id: str


@dataclass(slots=True)
class _Device:
    client: Client
    scope: str
    device_code: str
    user_code: str
    expires_at: datetime
    interval_seconds: int = _INTERVAL_SECONDS
    asked_at: datetime | None = None
    answer: str = "authorization_pending"


@dataclass(slots=True)
class Authorization:
    """All the tokens there are. Thread-safe."""

    world: World
    rotating: bool = True
    """False: a refresh gives the same refresh token back."""
    names_refresh_token: bool = True
    """False: a reply to a refresh leaves the refresh token out, and the old one goes on."""
    lifetime: timedelta = timedelta(hours=24)
    """Of access tokens."""
    activate_url: str = ""
    clients: dict[str, Client] = field(default_factory=dict)
    codes: Codes = field(init=False)
    _access: dict[str, Grant] = field(default_factory=dict)
    _refresh: dict[str, tuple[Client, str, datetime]] = field(default_factory=dict)
    _devices: dict[str, _Device] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        self.codes = Codes(self.world)

    @property
    def clock(self) -> Clock:
        return self.world.clock

    def add_client(
        self, client_id: str, *, secret: str | None = None, account_id: str = DEFAULT_ACCOUNT
    ) -> Client:
        client = self.clients[client_id] = Client(client_id, secret, account_id)
        return client

    def issue(self, client_id: str, *, scope: str = DEFAULT_SCOPE) -> Grant:
        """Give a pair of tokens without any HTTP."""
        return self._grant(self.clients[client_id], scope, None)

    def bearer(self, header: str | None) -> Grant | None:
        """Return the grant behind an Authorization header, if it is good."""
        grant = self._access.get((header or "").removeprefix("Bearer ").strip())
        return grant if grant and self.clock() < grant.expires_at else None

    def expire_access_tokens(self) -> None:
        """Let every access token that there is be refused from now on."""
        with self._lock:
            self._access.clear()

    def revoke(self) -> None:
        """Let every token be refused, as when the owner disconnects the application."""
        with self._lock:
            self._access.clear()
            self._refresh.clear()

    def approve(self, user_code: str) -> None:
        """Consent, as the owner of the account does on the vendor's page."""
        self._by_user_code(user_code).answer = "approved"

    def deny(self, user_code: str) -> None:
        self._by_user_code(user_code).answer = "access_denied"

    def pending_user_codes(self) -> list[str]:
        waiting = "authorization_pending"
        return [one.user_code for one in self._devices.values() if one.answer == waiting]

    def token(self, request: Request, form: dict[str, str]) -> Reply:
        """Answer `POST /token`."""
        client = self._client(request, form)
        if client is None:
            return _refused("invalid_client", HTTPStatus.UNAUTHORIZED)
        with self._lock:
            match form.get("grant_type"):
                case "refresh_token":
                    return self._refreshed(client, form.get("refresh_token", ""))
                case "authorization_code":
                    scope = self.codes.redeem(client.client_id, form)
                    if scope is None:
                        return _refused("invalid_grant")
                    return self._reply(self._grant(client, scope, None))
                case grant_type if grant_type == _DEVICE_GRANT:
                    return self._consented(client, form.get("device_code", ""))
                case _:
                    return _refused("unsupported_grant_type")

    def authorize(self, query: dict[str, str]) -> Reply:
        """Answer `GET /authorize`, which a browser visits."""
        if query.get("client_id") not in self.clients:
            return _refused("invalid_client")
        with self._lock:
            return self.codes.give(query, query.get("scope", DEFAULT_SCOPE))

    def begin_device(self, form: dict[str, str]) -> Reply:
        """Answer `POST /device/authorize`."""
        client = self.clients.get(form.get("client_id", ""))
        if client is None:
            return _refused("invalid_client", HTTPStatus.UNAUTHORIZED)
        with self._lock:
            device = _Device(
                client,
                form.get("scope", DEFAULT_SCOPE),
                self.world.new_id(),
                self.world.new_id()[:8].upper(),
                self.clock() + _CODE_LIFETIME,
            )
            self._devices[device.device_code] = device
        reply = {
            "device_code": device.device_code,
            "user_code": device.user_code,
            "verification_uri": self.activate_url,
            "verification_uri_complete": f"{self.activate_url}?user_code={device.user_code}",
            "expires_in": int(_CODE_LIFETIME.total_seconds()),
            "interval": _INTERVAL_SECONDS,
        }
        return Reply(HTTPStatus.OK, reply)

    def _by_user_code(self, user_code: str) -> _Device:
        for device in self._devices.values():
            if device.user_code == user_code:
                return device
        raise KeyError(user_code)

    def _client(self, request: Request, form: dict[str, str]) -> Client | None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            client = self.clients.get(form.get("client_id", ""))
            device_flow = form.get("grant_type") == _DEVICE_GRANT
            return client if client and (device_flow or client.secret is None) else None
        try:
            client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        client = self.clients.get(client_id)
        return client if client and (client.secret or "") == secret else None

    def _refreshed(self, client: Client, refresh_token: str) -> Reply:
        owner, scope, used_at = self._refresh.get(refresh_token, (None, "", self.clock()))
        if owner != client or self.clock() - used_at > _UNUSED:
            description = "The refresh token is invalid or expired."
            return _refused("invalid_grant", description=description)
        if self.rotating and self.names_refresh_token:
            del self._refresh[refresh_token]
            return self._reply(self._grant(client, scope, None))
        reply = self._reply(self._grant(client, scope, refresh_token))
        if not self.names_refresh_token:
            del reply.payload["refresh_token"]
        return reply

    def _consented(self, client: Client, device_code: str) -> Reply:
        device = self._devices.get(device_code)
        if device is None or device.client != client:
            return _refused("invalid_grant")
        now = self.clock()
        if now >= device.expires_at:
            return _refused("expired_token")
        asked_at, device.asked_at = device.asked_at, now
        if asked_at and now - asked_at < timedelta(seconds=device.interval_seconds):
            device.interval_seconds += _INTERVAL_SECONDS
            return _refused("slow_down")
        if device.answer != "approved":
            return _refused(device.answer)
        del self._devices[device_code]
        return self._reply(self._grant(client, device.scope, None))

    def _grant(self, client: Client, scope: str, refresh_token: str | None) -> Grant:
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


def _refused(
    error: str, status: int = HTTPStatus.BAD_REQUEST, *, description: str | None = None
) -> Reply:
    body: dict[str, Any] = {"error": error}
    if description:
        body["error_description"] = description
    return Reply(status, body)
