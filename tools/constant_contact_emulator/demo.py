"""A demo account: e-mails that were sent, and that are being opened while somebody watches."""

from datetime import timedelta
from itertools import count

from constant_contact_emulator.serving.server import Emulator
from constant_contact_emulator.world.send import Send, simulate_send

PORT = 8700
ACCOUNT = "demo"
CLIENT_ID = "demo"
REFRESH_TOKEN = "demo"  # noqa: S105 - it opens nothing but the demo
SENDS_EVERY = timedelta(minutes=4)

_LIVE = Send(within=timedelta(minutes=20), late=0.03, late_by=timedelta(minutes=3))
"""Opens of weeks within minutes, so that there is something to see."""
_EARLIER = (
    ("October offers", timedelta(days=2), 900),
    ("Customer survey", timedelta(hours=5), 400),
)
"""Names, ages and contacts."""
_LATER = ("Weekly news", "Invitation to the open day", "Last chance: offers end today")


class DemoAccount:
    """The sends of the account; one is sent as the demo begins, and others later."""

    def __init__(self, emulator: Emulator) -> None:
        """Let `REFRESH_TOKEN` connect the account, and send its first e-mails."""
        self._world = emulator.world
        self._numbers = count(1)
        emulator.authorization.add_client(CLIENT_ID, account_id=ACCOUNT)
        emulator.authorization.accept(CLIENT_ID, REFRESH_TOKEN)
        for name, age, contacts in _EARLIER:
            self._send(name, contacts, age, Send(within=age * 2))
        self.send_next()

    def send_next(self) -> str:
        """Send the next e-mail now; return its name."""
        number = next(self._numbers)
        name = f"{_LATER[(number - 1) % len(_LATER)]}, no. {number}"
        self._send(name, 600, timedelta(), _LIVE)
        return name

    def _send(self, name: str, contacts: int, age: timedelta, send: Send) -> None:
        campaign = self._world.add_campaign(name, account_id=ACCOUNT)
        sent_at = self._world.clock() - age
        simulate_send(
            self._world,
            campaign.activity_id,
            contacts,
            sent_at=sent_at,
            seed=len(self._world.campaigns),
            send=send,
        )
