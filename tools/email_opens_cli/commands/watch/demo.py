"""The demo account of `constant-contact-emulator --demo`, instead of a real one."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from email_opens.account import Tokens
from email_opens.errors import AccountDisconnected, InvalidInput
from email_opens.ports import Credentials
from email_opens_cli.arguments.options import whole_number
from email_opens_cli.terminal.pasted import beside

_CLIENT_ID = "demo"
"""The emulator's, whose import takes too long for a real account."""
_MOST_PORT = 65_535

DemoPort = Annotated[
    int | None,
    typer.Option(
        "--demo-port",
        metavar="PORT",
        parser=whole_number("--demo-port", 1, _MOST_PORT),
        help="The port of `constant-contact-emulator --demo`, by default 8700.",
    ),
]


class Demo(Struct, frozen=True):
    """What the command needs for the demo account."""

    environment: Mapping[str, str]
    credentials: Tokens
    state: Path
    """A file that is removed at the end."""
    options: str
    """Those of the command that lead to this account."""


@contextmanager
def demo_account(environment: Mapping[str, str], port: int | None) -> Iterator[Demo]:
    """Find the demo account on a port of this machine, by default that of the emulator.

    Raises:
        InvalidInput: it is not served.
    """
    import socket  # noqa: PLC0415 - only the demo needs these
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from constant_contact_emulator.demo import (  # noqa: PLC0415
        CLIENT_ID,
        PORT,
        REFRESH_TOKEN,
    )
    from constant_contact_emulator.serving.vendor import OAUTH  # noqa: PLC0415

    port = port or PORT
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        emulator = beside(sys.argv[0], "constant-contact-emulator")
        option = "" if port == PORT else f" --port {port}"
        raise InvalidInput(
            f"Nothing answers on port {port} of this machine: first run `{emulator} --demo{option}`"
            " in another terminal."
        ) from None
    url = f"http://127.0.0.1:{port}"
    urls = {"CONSTANT_CONTACT_API_URL": url, "CONSTANT_CONTACT_AUTH_URL": f"{url}{OAUTH}"}
    with TemporaryDirectory(prefix="email-opens-watch-") as folder:
        yield Demo(
            {**environment, **urls},
            Tokens(client_id=CLIENT_ID, refresh_token=REFRESH_TOKEN),
            Path(folder) / "state.sqlite",
            " --demo" if port == PORT else f" --demo --demo-port {port}",
        )


def check_demo_state(credentials: Credentials, account_id: str, state: Path) -> None:
    """Make sure that a state file has no credentials of a real account.

    Raises:
        InvalidInput: it has.
    """
    if _has_demo(credentials, account_id) is False:
        raise InvalidInput(
            f"{state} belongs to a real account: leave out --demo, or name another file with "
            "--state."
        )


def check_real_state(credentials: Credentials, account_id: str, state: Path) -> None:
    """Make sure that a state file has no credentials of the demo account.

    Raises:
        InvalidInput: it has.
    """
    if _has_demo(credentials, account_id):
        raise InvalidInput(
            f"{state} belongs to the demo account: add --demo, or name another file with --state."
        )


def _has_demo(credentials: Credentials, account_id: str) -> bool | None:
    """Return whether the stored credentials are the demo's; None: there are none."""
    try:
        return credentials.load(account_id).client_id == _CLIENT_ID
    except AccountDisconnected:
        return None
