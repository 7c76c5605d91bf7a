"""Opens as messages in a chat: what they show, where they are posted, and how repeats are avoided.

`events` reads an open from a queue's message, `texts` writes it for people, and `chats` makes
the document that Slack, Teams or any other webhook accepts. `deduplication` decides which post may
show an open, and `alerts` posts a batch to the webhook.
"""
