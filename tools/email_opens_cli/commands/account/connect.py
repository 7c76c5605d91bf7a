"""Connect an account: a person consents once, and polls use the credentials from then on."""

import os
import sys
import webbrowser
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens.instants import iso
from email_opens_cli.arguments.options import (
    LONGEST_WAIT,
    AnotherAccount,
    AnotherStack,
    Stack,
    Wait,
    parse_account,
    parse_wait,
    whole_number,
)
from email_opens_cli.consent import credentials
from email_opens_cli.deployed.ownership import refuse_those_of_another_stack
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.complaints import INTERRUPTED, complain
from email_opens_cli.terminal.plain import say, warn
from email_opens_cli.terminal.words import count

if TYPE_CHECKING:
    from email_opens.account import Tokens
    from email_opens.bootstrap.product import EmailOpens
    from email_opens_cli.consent.application import Application, AuthorizationServer
    from email_opens_cli.consent.device import Invitation
    from email_opens_cli.deployed.turns.schedules import Schedules

PORTAL = "https://developer.constantcontact.com"
CLIENT_ID = "CONSTANT_CONTACT_CLIENT_ID"
CLIENT_SECRET = "CONSTANT_CONTACT_CLIENT_SECRET"  # noqa: S105 - the variable's account_id
PORT = 8734
"""A fixed port, since the vendor compares redirect URIs letter by letter."""


def connect(
    account_id_: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="The account's name in email-opens.")
    ] = "default",
    stack: Stack = None,
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT",
            parser=whole_number("--port", 0, 65_535),
            help="The local port that the browser returns to; 0 picks a free one.",
        ),
    ] = PORT,
    wait: Wait = LONGEST_WAIT,
    *,
    another_account: AnotherAccount = False,
    another_stack: AnotherStack = False,
) -> None:
    """Connect an account: ask for your consent in a browser, and schedule the polls.

    On a terminal, the command prompts for the application's client id and secret. If
    CONSTANT_CONTACT_CLIENT_ID is set, it does not prompt, and takes the secret, if the application
    has one, from CONSTANT_CONTACT_CLIENT_SECRET. Without a terminal, it reads credentials as JSON
    from standard input:
    {"client_id": …, "refresh_token": …}, and "client_secret" if the application has one.
    It uses that refresh token at once, and stores the new one.

    E-mails that Constant Contact reported as not found are polled again in the next turn.
    """
    account_id, patience = parse_account(account_id_), parse_wait(wait)
    given = None if sys.stdin.isatty() else read_credentials(sys.stdin.buffer.read(), account_id)
    wired = product(stack)
    if not another_stack:
        refuse_those_of_another_stack(wired, account_id)
    _connect(wired, account_id, stack, port, given, patience, another_account=another_account)


def read_credentials(text: bytes, account_id: str) -> "Tokens":
    """Read credentials that were piped in for an account.

    Raises:
        InvalidInput: there are none, or they are malformed.
    """
    if not text.strip():
        raise InvalidInput(
            f"Standard input is empty: run `email-opens connect {account_id}` on "
            f"a terminal to give consent in a browser, or pipe JSON in: {credentials.FORM}."
        )
    return credentials.read(text)


def _connect(
    wired: "EmailOpens",
    account_id: str,
    stack: str | None,
    port: int,
    given: "Tokens | None",
    wait: timedelta,
    *,
    another_account: bool,
) -> None:
    # Imported late, or `--help` would load the HTTP library and boto3.
    from email_opens.adapters.vendor.session import Session  # noqa: PLC0415
    from email_opens_cli.consent.application import AuthorizationServer  # noqa: PLC0415
    from email_opens_cli.deployed.turns.schedules import Schedules  # noqa: PLC0415

    schedules = None if stack is None else Schedules.of_stack(stack)
    # A person without access to the table learns it before the consent.
    wired.tracking.account(account_id)
    with Session(wired.settings.network) as session:
        server = AuthorizationServer(session, wired.settings.constant_contact_auth_url, wired.clock)
        try:
            tokens = given or consent(server, read_application(), port=port)
        except (KeyboardInterrupt, typer.Abort):
            complain("Stopped; nothing was changed.", INTERRUPTED)
        connected = credentials.connect(
            wired, account_id, tokens, wait=wait, another_account=another_account
        )
    say(f"The credentials of account {account_id} are stored; the next poll uses them.")
    if connected.revived:
        revived = count(connected.revived, "e-mail")
        say(f"The next turn again polls {revived} that Constant Contact did not know.")
    for sentence in connected.unchecked:
        warn(sentence)
    say(scheduled(schedules, account_id))


def read_application() -> "Application":
    """Return the application that the environment names, or else a person at a prompt.

    Raises:
        InvalidInput: the client id or secret is malformed.
    """
    from email_opens_cli.consent.application import application  # noqa: PLC0415

    client_id = os.environ.get(CLIENT_ID)
    if client_id:
        return application(client_id, os.environ.get(CLIENT_SECRET))
    say(
        "email-opens needs an application of your Constant Contact account. Create one at "
        f"{PORTAL} under My Applications; docs/getting-started.md explains how.",
        "",
    )
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
    """Return the tokens after a consent: on this machine with a secret, on any device without.

    Raises:
        AccountDisconnected: the consent was denied, or did not come in time.
        InvalidInput: the application is not allowed this flow, or the port is taken.
        AccountStopped: the vendor does not answer, or its answer is unusable.
    """
    from email_opens_cli.consent import browser as code_flow  # noqa: PLC0415
    from email_opens_cli.consent import device as device_flow  # noqa: PLC0415

    if application.client_secret is None:
        return device_flow.consent(server, application, invite)

    def show(address: str, redirect_uri: str) -> None:
        say(f"Add {redirect_uri} to the redirect URIs of the application.")
        say("Open this address in a browser on this machine:", "", address, "")
        open_browser(address)

    return code_flow.consent(server, application, port=port, show=show)


def invite(invitation: "Invitation") -> None:
    """Show where to consent, with which code, and until when."""
    from email_opens_cli.consent.qr_code import qr_code  # noqa: PLC0415
    from email_opens_cli.terminal.console import console  # noqa: PLC0415

    say(f"Open {invitation.address} on any device, and enter the code", "")
    say(f"    {invitation.user_code}", "")
    screen = console()
    code = qr_code(invitation.address_with_code, screen.width) if screen.is_terminal else None
    if code is not None:
        screen.print(code)
    if invitation.address_with_code != invitation.address:
        say(f"or open {invitation.address_with_code}")
    say(f"Waiting until {iso(invitation.ends.replace(microsecond=0))}.")


def scheduled(schedules: "Schedules | None", account_id: str) -> str:
    """Schedule polls of the account if a stack is named; return what was done, as a sentence."""
    if schedules is None:
        return (
            f"No schedule was checked: run the command with --stack NAME to schedule {account_id}."
        )
    if account_id == schedules.own_account_id:
        return "The stack's own schedule polls it."
    if schedules.add(account_id):
        return "A schedule of its own polls it from now on."
    return "Its schedule exists already and was not changed."
