"""Opens as messages in a chat: what is shown, where it is posted, and that nothing repeats.

`events` reads an open from a queue's message, `texts` writes it for people, and `services` make the
document that Slack, Teams or any other webhook accepts. `deduplication` decides who may post an
open, and `alerts` brings a batch to the webhook.
"""
