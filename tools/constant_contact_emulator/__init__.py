"""The vendor's API on localhost: a program, and a test fixture.

`with Emulator(clock=…) as emulator:` serves an empty world at `emulator.url`. Fill it through
`emulator.world`, break it through `emulator.faults`, and read what was asked in
`emulator.requests`. Nothing here is part of the product, and only the standard library is used.

- `world`: what exists at the vendor, how contacts open, and what a test may choose
- `access`: tokens, consent, and limits · `api`: the replies, by path
- `serving`: the vendor in process and over HTTP, its faults, and the control endpoint
"""

from constant_contact_emulator.access.limits import Limits
from constant_contact_emulator.access.tokens import Authorization, Client, Grant
from constant_contact_emulator.messages import Ending, Reply, Request
from constant_contact_emulator.serving.faults import Fault, Faults, Kind
from constant_contact_emulator.serving.server import Emulator
from constant_contact_emulator.serving.vendor import Logged, Vendor
from constant_contact_emulator.world.behaviour import Behaviour, LastPage, Paging, Ties, TimeFormat
from constant_contact_emulator.world.clocks import Clock, FastClock, ManualClock, system_clock
from constant_contact_emulator.world.report import Contact, Row
from constant_contact_emulator.world.send import Send, simulate_send
from constant_contact_emulator.world.world import Activity, Campaign, World

__all__ = [
    "Activity", "Authorization", "Behaviour", "Campaign", "Client", "Clock", "Contact",
    "Emulator", "Ending", "FastClock", "Fault", "Faults", "Grant", "Kind", "LastPage", "Limits",
    "Logged", "ManualClock", "Paging", "Reply", "Request", "Row", "Send", "Ties", "TimeFormat",
    "Vendor", "World", "simulate_send", "system_clock",
]  # fmt: skip
