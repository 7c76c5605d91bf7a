"""The vendor's API on localhost: a program, and a test fixture.

`with Emulator(clock=…) as emulator:` serves an empty world at `emulator.url`. Fill it through
`emulator.world`, break it through `emulator.faults`, and read what was asked in
`emulator.requests`. Nothing here is part of the product, and only the standard library is used.

- `world`, `report`: what exists at the vendor · `send`: how people open
- `behaviour`: what the vendor leaves open, and a test may choose · `paging`: pages and links
- `faults`, `limits`, `tokens`, `codes`: what makes a client's life hard
- `api`, `vendor`: the paths, and all of it without a network · `control`, `server`: over HTTP
"""

from constant_contact_emulator.behaviour import Behaviour, LastPage, Paging, Ties, TimeFormat
from constant_contact_emulator.clocks import Clock, FastClock, ManualClock, system_clock
from constant_contact_emulator.faults import Fault, Faults, Kind
from constant_contact_emulator.limits import Limits
from constant_contact_emulator.report import Contact, Row
from constant_contact_emulator.send import Send, simulate_send
from constant_contact_emulator.server import Emulator
from constant_contact_emulator.tokens import Authorization, Client, Grant
from constant_contact_emulator.vendor import Logged, Vendor
from constant_contact_emulator.world import Activity, Campaign, World

__all__ = [
    "Activity", "Authorization", "Behaviour", "Campaign", "Client", "Clock", "Contact",
    "Emulator", "FastClock", "Fault", "Faults", "Grant", "Kind", "LastPage", "Limits", "Logged",
    "ManualClock", "Paging", "Row", "Send", "Ties", "TimeFormat", "Vendor", "World",
    "simulate_send", "system_clock",
]  # fmt: skip
