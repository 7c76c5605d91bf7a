"""An authorization server for the consent flows, and a clock that records its waits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from constant_contact_emulator import Emulator, Limits
from email_opens.account import Tokens
from email_opens.adapters.vendor.session import Session
from email_opens_cli.consent.application import Application, AuthorizationServer
from tests.fakes import FakeClock


class WatchedClock(FakeClock):
    """Records each wait, and can run an action during one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.during: dict[int, Callable[[], None]] = {}
        """Actions by the number of the wait, from 1."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.waits.append(seconds)
        self.during.pop(len(self.waits), _nothing)()


@dataclass(frozen=True, slots=True)
class Portal:
    """The vendor with one application, and the client's view of it."""

    vendor: Emulator
    clock: WatchedClock
    server: AuthorizationServer
    application: Application

    def scope(self, tokens: Tokens) -> str | None:
        """Return the scope of an access token, or None if it is invalid."""
        grant = self.vendor.authorization.bearer(f"Bearer {tokens.access_token}")
        return grant.scope if grant else None


@contextmanager
def portal(secret: str | None = None) -> Iterator[Portal]:
    clock = WatchedClock()
    with (
        Emulator(clock=clock.now, limits=Limits()) as vendor,
        Session() as session,
    ):
        vendor.authorization.add_client("an-app", secret=secret)
        server = AuthorizationServer(session, vendor.auth_url, clock)
        yield Portal(vendor, clock, server, Application(client_id="an-app", client_secret=secret))


def _nothing() -> None:
    return
