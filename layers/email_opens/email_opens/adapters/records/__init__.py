"""The stored form of accounts and activities, the same in every store.

A record maps an attribute's name to its value under its type: `{"watermark": {"S": "2026-…"}}`.
The types are S (text), N (a number as text), BOOL, L (list) and M (map). Values that are None or
empty are left out. Instants are ISO 8601 text, for people who read a table.

What the product learns again, such as names, counters and rates, is a hint: one that cannot be
read is ignored. For anything else that cannot be read, the error names the attribute.
"""
