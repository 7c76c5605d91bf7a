"""Benchmarks of speed, requests, memory and repeats.

`make bench` prints all tables, `python -m bench.<topic>` one of them:

- `requests_per_poll`: requests to read n new rows
- `open_cost`: the way of an open in `watch`, by stage
- `throughput`: opens a second, and the shares of the product and of botocore
- `memory`: the peak of a first read of 1,000,000 rows
- `idle`: DynamoDB writes of a turn that finds nothing
- `kills`: a first read of 200,000 rows, killed ten times
- `cold_start`: a cold start of the built function, beside a bare handler
- `paced_read`: a first read at the pace of the settings, beside the time of its pages
- `freshness`: how soon opens are published for a day's requests (`make bench-freshness`)
- `cost`: what a month costs, from counted calls and list prices (`make cost`)
- `accounts`: a thousand accounts in one stack, beside each alone (`make accounts`)
- `compare`: the rules of other pollers in the same worlds (`make compare`)
- `peers`: `watch` beside other clients of such a feed, as whole processes (`make bench-peers`)

Benchmarks do not fail; they print each figure beside its target.
The core and the adapters are the real ones. The vendor's replies are generated on request and AWS
replies at once, both within the process (`vendor`, `aws`); a sleep only advances the clock. In
`peers` and `paced_read`, the clients and the emulated vendor are processes, and time is real.
"""
