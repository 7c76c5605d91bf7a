"""The credentials of a watch: read or asked for, checked, and kept in the state file."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from email_opens.errors import AccountDisconnected, InvalidInput
from email_opens_cli.commands.watch.lookup import HOLDER
from email_opens_cli.deployed.turns.reports import COMMIT, TURN
from email_opens_cli.terminal.complaints import INTERRUPTED, complain
from email_opens_cli.terminal.plain import warn

if TYPE_CHECKING:
    from email_opens.account import Tokens
    from email_opens.bootstrap.watch import Watch
    from email_opens.config.settings import Settings


def read_credentials(source: str) -> "Tokens":
    """Read credentials from a file, or from standard input.

    Raises:
        InvalidInput: they cannot be read, or are malformed.
    """
    from email_opens_cli.consent.credentials import read  # noqa: PLC0415 - for a fast start

    try:
        text = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"The credentials {source} cannot be read: {error.strerror}. Name another file with "
            "--credentials."
        ) from None
    return read(text)


def new_tokens(
    product: "Watch",
    settings: "Settings",
    account: str,
    given: "Tokens | None",
    *,
    reconnect: bool,
) -> "Tokens | None":
    """Return a person's tokens that the state file does not have yet; None: it has them.

    `reconnect` is whether to ask for consent although there are tokens.

    Raises:
        InvalidInput: it has none, and there is no terminal to ask for consent.
        EmailOpensError: consent was not given.
    """
    if given is not None:
        return None if product.credentials.given_last(account, given) else given
    on_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    try:
        product.credentials.load(account)
    except AccountDisconnected as error:
        if not on_terminal:
            raise InvalidInput(str(error)) from None
    else:
        if not reconnect:
            return None
        if not on_terminal:
            raise InvalidInput("--reconnect needs a terminal; without one, use --credentials FILE.")
    from email_opens.adapters.vendor.session import Session  # noqa: PLC0415
    from email_opens_cli.commands.account.connect import (  # noqa: PLC0415
        PORT,
        consent,
        read_application,
    )
    from email_opens_cli.consent.application import AuthorizationServer  # noqa: PLC0415

    with Session(settings.network) as session, redirect_stdout(sys.stderr):
        server = AuthorizationServer(session, settings.constant_contact_auth_url, product.clock)
        try:
            return consent(server, read_application(), port=PORT)
        except (KeyboardInterrupt, typer.Abort):
            complain("Stopped; nothing was changed.", INTERRUPTED)


def connect(
    product: "Watch", account: str, tokens: "Tokens", *, another_account: bool
) -> list[str]:
    """Check the tokens of a person, and store them; return the warnings that were printed.

    Raises:
        AccountDisconnected, InvalidInput: they are refused; nothing was stored.
    """
    from email_opens_cli.consent.credentials import accepted, take_over  # noqa: PLC0415

    def store(checked: "Tokens") -> None:
        product.credentials.give(account, tokens, checked)

    with product.leases.hold(account, holder=HOLDER, lasts=TURN, commit=COMMIT) as lease:
        taken = take_over(product, lease, tokens, store, another_account=another_account)
    unchecked = accepted(taken).unchecked
    warn(*unchecked)
    return unchecked
