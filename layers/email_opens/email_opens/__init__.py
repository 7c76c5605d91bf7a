"""email-opens publishes each new open of an e-mail sent by Constant Contact, once, to a topic.

Constant Contact has no webhook for opens. A scheduled Lambda reads the opens report of every
tracked send, newest first, down to a watermark, and publishes what is not in the ledger.

Read `walk` first: what is new on a page, and when a walk ends. Then, from the entrance inwards:
`poller` and `published` (one poll of one activity), `events` (the message and its id), `model`,
`account`, `instants`, `errors`, `config`, `ports` (what the core needs from the outside).

The rooms: `turns` (one account's turn, under its lease and budget), `scheduling` (which activity
to poll, and what a request is worth), `discovery` (the search for new sends), `alerts` (opens as
messages in a chat), `adapters` (the vendor, AWS, one machine). `bootstrap` wires them.
"""
