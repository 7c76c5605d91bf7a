"""Constant Contact tells nobody when a contact opens an e-mail. email-opens does.

A scheduled Lambda reads the opens report of every tracked send, newest first, down to a
watermark, takes what the ledger does not know, and publishes each new open, once, to a topic.

Read `walk` first: what is new on a page, and when a walk ends. Then:
`poller` and `known` (one poll of one activity), `turns`, `round`, `tracked` and `backlog` (an
account's turn), `scheduling`, `pricing`, `rates`, `candidates`, `probes`, `budget` and `lifetime`
(whom to poll, and what a request is worth), `discovery`, `search` and `visits` (what was sent, and
is not tracked yet), `events` (the message and its id), `model`, `errors`, `ports` (what the core
needs of the outside), `adapters` (what gives it), `config` and `bootstrap` (the wiring).
"""
