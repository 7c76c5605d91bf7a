"""The tables of `make cost`, from counted months; `docs/cost-and-scale.md` has them too."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.cost.prices import LAMBDA_DURATION, LAMBDA_REQUESTS, PRICES
from bench.cost.quotas import QUOTAS, SIZES
from bench.cost.scenarios import AGENCY, IDLE, LARGE, MODES, SHOP, Counted
from bench.cost.stack import once
from bench.cost.usage import Units, added, cost, scaled

type Months = Mapping[str, Counted]
"""Months by scenario; those of an idle account also by `idle MODE`."""

BASIC = "basic"
ACCOUNTS = 300
CALLS = (
    "GetItem",
    "Query",
    "UpdateItem",
    "PutItem",
    "BatchWriteItem",
    "PublishBatch",
    "GetParameter",
    "SendMessage",
)


def idle(mode: str) -> str:
    """Return the name of an idle account's month with a value of the parameter Monitoring."""
    return IDLE if mode == BASIC else f"{IDLE} {mode}"


def of_stack(month: Counted, mode: str = BASIC, accounts: int = 1) -> Units:
    """Return the units of a stack with so many accounts of a kind."""
    return added(once(mode), scaled(month.units, accounts))


def columns(months: Months) -> dict[str, Units]:
    """Return the units of each stack that is compared, by the heading of its column."""
    return {
        "idle": of_stack(months[IDLE]),
        "small shop": of_stack(months[SHOP]),
        "agency of 60 e-mails": of_stack(months[AGENCY]),
        "1,000,000 contacts": of_stack(months[LARGE]),
        f"{ACCOUNTS} small shops": of_stack(months[SHOP], accounts=ACCOUNTS),
    }


def months_table(months: Months) -> str:
    """Return the costs of a month by service line and scenario."""
    stacks = columns(months)
    each = [months[IDLE], months[SHOP], months[AGENCY], months[LARGE]]
    return _table(
        ["USD a month", *stacks],
        [
            *_lines(stacks.values()),
            _bold("sum", [_usd(cost(units)) for units in stacks.values()]),
            ["of which Lambda", *(_usd(of_lambda(units)) for units in stacks.values())],
            [
                "each further account",
                *(_usd(cost(month.units)) for month in each),
                _usd(cost(months[SHOP].units)),
            ],
        ],
    )


def idle_table(months: Months) -> str:
    """Return the costs of an idle account by the parameter Monitoring."""
    stacks = {mode: of_stack(months[idle(mode)], mode) for mode in MODES}
    further = [_usd(cost(months[idle(mode)].units)) for mode in MODES]
    return _table(
        ["USD a month", *(f"`{mode}`" for mode in stacks)],
        [
            *_lines(stacks.values()),
            _bold("sum", [_usd(cost(units)) for units in stacks.values()]),
            _bold("each further account", further),
        ],
    )


def counts_table(months: Months) -> str:
    """Return what was counted, and how soon opens were published."""
    each = [months[name] for name in (IDLE, SHOP, AGENCY, LARGE)]

    def row(name: str, value: Callable[[Counted], float]) -> list[str]:
        return [name, *(f"{value(month):,.0f}" for month in each)]

    def called(name: str) -> list[str]:
        return row(f"`{name}`", lambda month: month.calls.get(name, 0.0))

    delays = (month.mean_delay for month in each)
    return _table(
        ["in a month", "idle", "small shop", "agency of 60 e-mails", "1,000,000 contacts"],
        [
            row("turns", lambda month: month.turns),
            row("of which wake-ups", lambda month: month.woken),
            row("requests to the vendor", lambda month: month.requests),
            row("Lambda, GB-seconds", lambda month: month.units[LAMBDA_DURATION]),
            *map(called, CALLS),
            ["mean delay of an open", *("" if it is None else f"{it:.1f} s" for it in delays)],
        ],
    )


def scale_table(months: Months) -> str:
    """Return what many small shops take of AWS's default quotas, in bold where it is too much."""
    rows = []
    for quota in QUOTAS:
        taken = [quota.taken(months[SHOP], accounts) for accounts in SIZES]
        cells = [f"**{each:,.0f}**" if each > quota.most else f"{each:,.0f}" for each in taken]
        rows.append([quota.name, f"{quota.most:,.0f}", *cells, quota.raised])
    sizes = [f"{accounts:,} accounts" for accounts in SIZES]
    return _table(["quota of a region", "default", *sizes, "before it is reached"], rows)


def prices_table() -> str:
    return _table(
        ["service", "USD"], [[line, str(price)] for line, price in PRICES.items()], numbers=False
    )


def of_lambda(units: Units) -> float:
    """Return what Lambda costs of units, in USD."""
    return sum(PRICES[line].cost(units[line]) for line in (LAMBDA_REQUESTS, LAMBDA_DURATION))


def _lines(stacks: Iterable[Units]) -> list[list[str]]:
    """Return a row for each service line that costs something."""
    stacks = list(stacks)
    rows = [
        [line, *(_usd(price.cost(units[line])) for units in stacks)]
        for line, price in PRICES.items()
    ]
    return [row for row in rows if any(cell != "0.00" for cell in row[1:])]


def _usd(dollars: float) -> str:
    return f"{dollars:,.2f}"


def _bold(name: str, cells: Sequence[str]) -> list[str]:
    return [f"**{cell}**" for cell in (name, *cells)]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True) -> str:
    others = "--:" if numbers else "---"
    lines = [headings, ["---", *[others] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
