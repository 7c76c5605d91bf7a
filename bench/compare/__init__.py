"""The same worlds through the product and through the rules by which other pollers read a feed.

`make compare`, or `python -m bench.compare [SEED]`, prints opens lost, opens repeated and requests.
All rules read the emulated vendor through the real adapter, with pages of 20 rows and 50 s a poll.
"""
