"""The state file of a watch: where it is, and what it holds."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import typer
from msgspec import Struct

from email_opens.errors import InvalidInput, InvalidSettings
from email_opens.ports import Clock, Ledger, Tracking
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.pasted import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from email_opens.bootstrap.product import EmailOpens
    from email_opens.config.settings import Settings


TRACKING_TABLE = "TRACKING_TABLE"
"""The variable by which the settings of a stack are recognised."""


class StateReader(Struct, frozen=True):
    """What is tracked in a state file, and how far it has come."""

    settings: "Settings"
    tracking: Tracking
    ledger: Ledger
    clock: Clock


def state_path(account: str) -> Path:
    """Return the account's own file in this system's folder for application data."""
    return Path(typer.get_app_dir("email-opens")) / f"{account}.sqlite"


def state_options(account: str, state: Path | None) -> str:
    """Return the options that lead to a state file, those with their default values left out."""
    options = "" if account == DEFAULT_ACCOUNT else f" --account {account}"
    if state not in (None, state_path(account)):
        options += f" --state {quote(str(state))}"
    return options


def default_state_file(account: str) -> Path:
    """Return the account's own file, after making its folder.

    Raises:
        InvalidInput: the folder cannot be used.
    """
    from email_opens.adapters.local.private_files import make_private_folder  # noqa: PLC0415

    path = state_path(account)
    try:
        make_private_folder(path.parent)
    except OSError as error:
        raise InvalidInput(
            f"The folder {path.parent} cannot be used: {error.strerror}. Name a file with --state."
        ) from None
    return path


@contextmanager
def read_state(path: Path, settings: "Settings", clock: Clock) -> Iterator[StateReader]:
    """Read a state file, which a watch may hold at the same time.

    Raises:
        InvalidInput, AccountStopped: it cannot be read.
    """
    from email_opens.adapters.local.ledger import SqliteLedger  # noqa: PLC0415
    from email_opens.adapters.local.snapshot import open_snapshot  # noqa: PLC0415
    from email_opens.adapters.local.tracking import SqliteTracking  # noqa: PLC0415

    with open_snapshot(path) as state:
        yield StateReader(settings, SqliteTracking(state), SqliteLedger(state), clock)


def reader[T](
    account_id: str,
    stack: str | None,
    state: Path | None,
    read: "Callable[[EmailOpens | StateReader], T]",
) -> tuple[Callable[[], T], Clock]:
    """Return what reads a stack, or a state file if one is named or there is no stack.

    Raises:
        InvalidInput, InvalidSettings: there is neither.
    """
    from email_opens.adapters.clock import SystemClock  # noqa: PLC0415 - for a fast --help
    from email_opens.config.settings import read_settings_without_aws  # noqa: PLC0415

    path = state or state_path(account_id)
    deployed = stack is not None or TRACKING_TABLE in os.environ
    if state is None and (deployed or not path.exists()):
        try:
            wired = product(stack)
        except InvalidSettings:
            if deployed:
                raise
            raise InvalidInput(
                f"There is no stack to read, and no state file of account {account_id}: run "
                "`email-opens watch` to follow e-mails without AWS, or name the stack with --stack."
            ) from None
        return lambda: read(wired), wired.clock
    settings, clock = read_settings_without_aws(os.environ), SystemClock()

    def read_file() -> T:
        with read_state(path, settings, clock) as opened:
            return read(opened)

    return read_file, clock
