"""Consent on another device: the OAuth 2 device flow."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from constant_contact_emulator.access.errors import ConsentRefused
from constant_contact_emulator.messages import Reply
from constant_contact_emulator.world.world import World

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_LIFETIME = timedelta(seconds=600)
_INTERVAL_SECONDS = 5
_PENDING = "authorization_pending"
_APPROVED = "approved"


@dataclass(slots=True)
class _Device:
    client_id: str
    scope: str
    device_code: str
    user_code: str
    expires_at: datetime
    interval_seconds: int = _INTERVAL_SECONDS
    polled_at: datetime | None = None
    decision: str = _PENDING
    """`approved`, or the error code with which a poll is refused."""


@dataclass(slots=True)
class Devices:
    """Device codes that were issued and not yet redeemed."""

    world: World
    activate_url: str = ""
    """The page on which the owner enters the user code."""
    _issued: dict[str, _Device] = field(default_factory=dict)

    def issue(self, client_id: str, scope: str) -> Reply:
        """Answer `POST /device/authorize` of a registered client."""
        device = _Device(
            client_id,
            scope,
            self.world.new_id(),
            self.world.new_id()[:8].upper(),
            self.world.clock() + _LIFETIME,
        )
        self._issued[device.device_code] = device
        reply = {
            "device_code": device.device_code,
            "user_code": device.user_code,
            "verification_uri": self.activate_url,
            "verification_uri_complete": f"{self.activate_url}?user_code={device.user_code}",
            "expires_in": int(_LIFETIME.total_seconds()),
            "interval": _INTERVAL_SECONDS,
        }
        return Reply(HTTPStatus.OK, reply)

    def approve(self, user_code: str) -> None:
        """Consent; raise KeyError if the code is unknown."""
        self._by_user_code(user_code).decision = _APPROVED

    def deny(self, user_code: str) -> None:
        """Refuse consent; raise KeyError if the code is unknown."""
        self._by_user_code(user_code).decision = "access_denied"

    def pending_user_codes(self) -> list[str]:
        """Return the user codes that the owner has neither approved nor denied."""
        devices = self._issued.values()
        return [device.user_code for device in devices if device.decision == _PENDING]

    def redeem(self, client_id: str, device_code: str) -> str:
        """Return the scope of an approved code, once; raise `ConsentRefused` otherwise."""
        device = self._issued.get(device_code)
        if device is None or device.client_id != client_id:
            raise ConsentRefused("invalid_grant")
        now = self.world.clock()
        if now >= device.expires_at:
            raise ConsentRefused("expired_token")
        previous, device.polled_at = device.polled_at, now
        if previous and now - previous < timedelta(seconds=device.interval_seconds):
            device.interval_seconds += _INTERVAL_SECONDS
            raise ConsentRefused("slow_down")
        if device.decision != _APPROVED:
            raise ConsentRefused(device.decision)
        del self._issued[device_code]
        return device.scope

    def _by_user_code(self, user_code: str) -> _Device:
        for device in self._issued.values():
            if device.user_code == user_code:
                return device
        raise KeyError(user_code)
