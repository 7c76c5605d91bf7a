"""What is claimed about speed, requests, memory and repeats, measured.

`make bench` prints all tables, `python -m bench.<topic>` one of them:

- `requested`: requests to read n new rows
- `throughput`: opens a second, our own share of an open and botocore's
- `memory`: the peak of a first read of 1,000,000 rows
- `idle`: DynamoDB's writes of a round that finds nothing
- `killed`: a first read of 200,000 rows, killed ten times
- `freshness`: how soon opens are published for a day's requests (`make bench-freshness`)
- `decode`: a page by the standard library, msgspec and pydantic

Benchmarks are no tests: nothing fails, each figure is printed beside the reach.
The core and the adapters are the real ones. The vendor's report is made as it is asked for and
AWS answers at once, both within the process (`vendor`, `aws`); the clock moves when it is slept on.
"""
