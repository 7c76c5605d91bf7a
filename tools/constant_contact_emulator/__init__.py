"""The vendor's API on localhost: a program, and a test fixture.

`with Emulator(clock=…) as emulator:` serves an empty world at `emulator.url`. Add campaigns and
opens with `emulator.world` and faults with `emulator.faults`; `emulator.requests` is the log.
The package uses only the standard library and nothing of the product.

Its rooms; each imports only those below it:
- `demo`: an account with e-mails that are being opened, for people who try the product
- `serving`: the vendor in process (`vendor`) and over HTTP (`server`), faults, the control endpoint
- `api`: the reply for each path
- `access`: tokens, consent, and limits
- `world`: campaigns, reports, simulated sends, clocks, odd fields, and the behaviour that a test
  chooses
- `messages`, `replies`: requests and replies as values, and the vendor's error replies
"""

from constant_contact_emulator.access.limits import Limits
from constant_contact_emulator.access.tokens import Authorization, Client, Grant
from constant_contact_emulator.messages import Ending, Place, Raw, Reply, Request
from constant_contact_emulator.serving.faults import Fault, Faults, Kind
from constant_contact_emulator.serving.server import Emulator
from constant_contact_emulator.serving.vendor import Logged, Vendor
from constant_contact_emulator.world.behaviour import Behaviour, LastPage, Paging, Ties, TimeFormat
from constant_contact_emulator.world.campaigns import Activity, Campaign, OddCounter
from constant_contact_emulator.world.clocks import Clock, FastClock, ManualClock, system_clock
from constant_contact_emulator.world.oddities import ODD_FIELDS
from constant_contact_emulator.world.report import Contact, Row
from constant_contact_emulator.world.send import Send, simulate_send
from constant_contact_emulator.world.world import World

__all__ = [
    "ODD_FIELDS", "Activity", "Authorization", "Behaviour", "Campaign", "Client", "Clock",
    "Contact", "Emulator", "Ending", "FastClock", "Fault", "Faults", "Grant", "Kind", "LastPage",
    "Limits", "Logged", "ManualClock", "OddCounter", "Paging", "Place", "Raw", "Reply", "Request",
    "Row", "Send", "Ties", "TimeFormat", "Vendor", "World", "simulate_send", "system_clock",
]  # fmt: skip
