"""email-opens publishes each new open of an e-mail sent by Constant Contact, once, to a topic.

Constant Contact has no webhook for opens. A scheduled Lambda reads the opens report of every
tracked send, newest first, down to a watermark, and publishes what is not in the ledger.

Read `walk` first: what is new on a page, and when a walk ends. Then, from the entrance inwards:
`published` (the part of the ledger that a walk needs), `events` (the message and its id), `model`,
`account`, `instants`, `errors`, `ports` (what the core needs from the outside).

The rooms: `polling` (one poll of one activity), `turns` (one account's turn), `allowance` (what an
account may send now: its lease and its budget), `scheduling` (which activity to poll, and what a
request is worth), `discovery` (the search for new sends), `alerts` (opens as messages in a chat),
`adapters` (the vendor, AWS, one machine), `config` (the settings). `bootstrap` wires them.
"""
