"""Connect an account: a person consents once, and the polls go on from there."""

import os
import sys
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from email_opens.instants import iso
from email_opens.model import account_id
from email_opens_cli.consent import credentials as connected
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.complaints import complain, complaints
from email_opens_cli.terminal.console import console
from email_opens_cli.terminal.options import Stack

if TYPE_CHECKING:
    from email_opens.model import Tokens
    from email_opens_cli.consent.application import Application, AuthorizationServer
    from email_opens_cli.consent.device import Invitation
    from email_opens_cli.deployed.schedules import Schedules

CLIENT_ID = "CONSTANT_CONTACT_CLIENT_ID"
CLIENT_SECRET = "CONSTANT_CONTACT_CLIENT_SECRET"  # noqa: S105 - the variable's name
PORT = 8734
"""A fixed one: the vendor compares redirect URIs letter for letter."""
INTERRUPTED = 130


def connect(
    account_id_: Annotated[str, typer.Argument(metavar="ACCOUNT")] = "default",
    stack: Stack = None,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Where the browser comes back to; 0: a free one."),
    ] = PORT,
) -> None:
    """Connect an account: consent in a browser, and have it polled.

    On a terminal it asks for the application's client id and secret, unless
    CONSTANT_CONTACT_CLIENT_ID (and CONSTANT_CONTACT_CLIENT_SECRET) say them. Otherwise it reads
    credentials as JSON from standard input:
    {"client_id": …, "refresh_token": …}, and "client_secret" where the app has one.
    """
    with complaints():
        who = account_id(account_id_)
        given = None if sys.stdin.isatty() else connected.read(sys.stdin.buffer.read())
        _connect(who, stack, port, given)


def _connect(who: str, stack: str | None, port: int, given: "Tokens | None") -> None:
    # Late, or `--help` would wait for the HTTP library and boto3.
    import requests  # noqa: PLC0415

    from email_opens_cli.consent.application import AuthorizationServer  # noqa: PLC0415
    from email_opens_cli.deployed.schedules import Schedules  # noqa: PLC0415

    wired = product(stack)
    schedules = None if stack is None else Schedules.of_stack(stack)
    # Whoever may not read here had better learn it before they have consented.
    wired.tracking.account(who)
    with requests.Session() as session:
        session.trust_env = False
        server = AuthorizationServer(session, wired.settings.constant_contact_auth_url, wired.clock)
        try:
            tokens = given or consent(server, asked_for(), port=port)
        except (KeyboardInterrupt, typer.Abort):
            complain("Given up; nothing was changed.", INTERRUPTED)
        untried = connected.connect(wired, who, tokens, session)
    print(f"The credentials of account {who} are stored; the next poll uses them.")
    if untried:
        print(untried, file=sys.stderr)
    print(scheduled(schedules, who))


def asked_for() -> "Application":
    """Return the application as the environment or a person names it.

    Raises:
        InvalidInput: what they say cannot be that.
    """
    from email_opens_cli.consent.application import application  # noqa: PLC0415

    client_id = os.environ.get(CLIENT_ID)
    if client_id:
        return application(client_id, os.environ.get(CLIENT_SECRET))
    return application(
        typer.prompt("Client id (the application's API key)"),
        os.environ.get(CLIENT_SECRET)
        or typer.prompt(
            "Client secret (empty if it has none)", default="", show_default=False, hide_input=True
        ),
    )


def consent(
    server: "AuthorizationServer",
    application: "Application",
    *,
    port: int,
    open_browser: Callable[[str], object] = webbrowser.open,
) -> "Tokens":
    """Return the tokens of whoever consents: here with a secret, on any device without one.

    Raises:
        AccountDisconnected: nobody does.
        InvalidInput: the application may not ask, or the port is taken.
        AccountStopped: the vendor does not answer, or with nonsense.
    """
    from email_opens_cli.consent import browser as code_flow  # noqa: PLC0415
    from email_opens_cli.consent import device as device_flow  # noqa: PLC0415

    if application.client_secret is None:
        return device_flow.consent(server, application, invite)

    def show(address: str, comes_back_to: str) -> None:
        print(f"The application's redirect URIs have to list {comes_back_to}")
        print(f"Open this in a browser on this machine, and consent:\n\n{address}\n", flush=True)
        open_browser(address)

    return code_flow.consent(server, application, port=port, show=show)


def invite(invitation: "Invitation") -> None:
    """Show where to consent, with which code, and until when."""
    from email_opens_cli.consent.qr_code import qr_code  # noqa: PLC0415

    print(f"Open {invitation.address} on any device, and enter the code\n")
    print(f"    {invitation.user_code}\n")
    screen = console()
    code = qr_code(invitation.address_with_code, screen.width) if screen.is_terminal else None
    if code is not None:
        screen.print(code)
    if invitation.address_with_code != invitation.address:
        print(f"or open {invitation.address_with_code}")
    print(f"Waiting until {iso(invitation.ends.replace(microsecond=0))}.", flush=True)


def scheduled(schedules: "Schedules | None", who: str) -> str:
    """Have the account polled where a stack is named; return what was done, as a sentence."""
    if schedules is None:
        return f"Whether a schedule polls it was not looked at: --stack NAME has {who} polled."
    if who == schedules.own_account_id:
        return "The stack's own schedule polls it."
    if schedules.add(who):
        return "A schedule of its own polls it from now on."
    return "Its schedule is there already; nothing of it was changed."
