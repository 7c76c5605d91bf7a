"""The whole product without AWS: new opens on a terminal, or as lines, and a state file."""

import os
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.arguments.options import (
    WEBHOOK_VARIABLE,
    Account,
    Alert,
    AlertAll,
    AnotherAccount,
    From,
    Since,
    checked,
    file_name,
    parse_account,
    parse_since,
    whole_number,
)
from email_opens_cli.commands.watch.credentials import connect, new_tokens, read_credentials
from email_opens_cli.commands.watch.demo import (
    DemoPort,
    check_demo_state,
    check_real_state,
    demo_account,
)
from email_opens_cli.commands.watch.emails import Wanted
from email_opens_cli.commands.watch.output import Format
from email_opens_cli.commands.watch.state import default_state_file, state_options
from email_opens_cli.terminal.complaints import INTERRUPTED
from email_opens_cli.terminal.ending import Ending, Interrupted, InterruptibleClock
from email_opens_cli.terminal.plain import warn, warn_a_person
from email_opens_cli.terminal.words import count

if TYPE_CHECKING:
    from email_opens.account import Tokens
    from email_opens.config.settings import Settings
    from email_opens.ports import Credentials

DAY_SECONDS = 86_400
STDOUT = Path("-")
"""The name of no file."""


def watch(
    emails: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[E-MAIL]…",
            help="Names, patterns such as 'News*', ids, or beginnings of these. "
            "By default everything sent in the last seven days.",
        ),
    ] = None,
    since: Since = From.BEGINNING.value,
    account: Account = "default",
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            parser=file_name("--state"),
            help="The state file; by default one in your home folder.",
        ),
    ] = None,
    credentials: Annotated[
        str | None,
        typer.Option(
            "--credentials",
            metavar="FILE",
            callback=checked(file_name("--credentials")),
            help="Read credentials from this file, as the JSON that `connect` reads; - is stdin.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            parser=file_name("--output"),
            help="Append the opens to this file; - is stdout.",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="How opens are written: by default table on a terminal, csv to a file whose name "
            "ends in .csv, else json.",
        ),
    ] = None,
    alert: Alert = None,
    *,
    alert_all: AlertAll = False,
    another_account: AnotherAccount = False,
    reconnect: Annotated[
        bool, typer.Option("--reconnect", help="Give consent again, on this terminal.")
    ] = False,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="Watch the account of `constant-contact-emulator --demo`; keep nothing, unless "
            "--state names a file.",
        ),
    ] = False,
    demo_port: DemoPort = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when everything is read, for example from cron.")
    ] = False,
    every: Annotated[
        int | None,
        typer.Option(
            "--every",
            metavar="SECONDS",
            parser=whole_number("--every", 1, DAY_SECONDS),
            help="Poll at this interval, at most a day; by default as often as the day's requests "
            "allow.",
        ),
    ] = None,
) -> None:
    """Show each new open once, without AWS.

    Without a name, the command watches everything that was sent in the last seven days, and adds
    new sends within five minutes. It prints a readable line for each open on a terminal, and the
    event as a line of JSON to a pipe or a file. The state file keeps the progress: after Ctrl-C,
    the next run continues where this one ended.

    The command needs credentials only the first time: on a terminal it asks for your consent, as
    `connect` does; elsewhere, use --credentials. The state file keeps them, and only you can
    read it.

    Exit codes: 0 done, or the output was closed; 1 something failed; 2 bad input;
    130 interrupted.
    """
    from email_opens.adapters.clock import SystemClock  # noqa: PLC0415 - for a fast --help, like those below
    from email_opens.config.settings import read_settings_without_aws  # noqa: PLC0415

    with ExitStack() as opened:
        account_id = parse_account(account)
        queries = tuple(dict.fromkeys(emails or ()))
        begins = parse_since(since, SystemClock().now())
        if demo_port is not None and not demo:
            raise InvalidInput("--demo-port is the port of the demo account: add --demo.")
        if demo and credentials is not None:
            raise InvalidInput("--demo has credentials of its own: leave out --credentials.")
        if alert_all and alert is None:
            raise InvalidInput(
                f"--alert-all needs a webhook: add --alert URL, or set {WEBHOOK_VARIABLE}."
            )
        found = opened.enter_context(demo_account(os.environ, demo_port)) if demo else None
        settings = read_settings_without_aws(found.environment if found else os.environ)
        given = None if credentials is None else read_credentials(credentials)
        options = f"{found.options if found else ''}{state_options(account_id, state)}"
        if found is not None:
            state, given = state or found.state, found.credentials
        wanted = Wanted(
            account_id,
            queries,
            begins,
            timedelta(seconds=every) if every else None,
            once=once,
            command=f"email-opens watch{options}",
        )
        code = _Command(
            settings=settings,
            state=state or default_state_file(account_id),
            given=given,
            check_state=check_demo_state if demo else check_real_state,
            wanted=wanted,
            kept=found is None or state != found.state,
            another_account=another_account,
            reconnect=reconnect,
            output=None if output == STDOUT else output,
            form=form,
            alert=alert,
            alert_all=alert_all,
        ).run()
    raise typer.Exit(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """A watch as the command line describes it."""

    settings: "Settings"
    state: Path
    kept: bool
    """Whether the state file outlasts the command."""
    given: "Tokens | None"
    check_state: "Callable[[Credentials, str, Path], None]"
    """Refuses a state file that is not for these credentials."""
    wanted: Wanted
    another_account: bool
    reconnect: bool
    output: Path | None
    form: Format | None
    alert: str | None = field(repr=False)  # The URL is a secret.
    alert_all: bool

    def run(self) -> int:
        """Watch until the end; return the exit code."""
        from email_opens.adapters.clock import SystemClock  # noqa: PLC0415
        from email_opens.adapters.local.lines import OutputClosed, closed  # noqa: PLC0415
        from email_opens.adapters.local.state_file import StateFile  # noqa: PLC0415
        from email_opens.bootstrap.watch import bootstrap_watch  # noqa: PLC0415
        from email_opens_cli.commands.watch.outlets import open_outlets  # noqa: PLC0415
        from email_opens_cli.commands.watch.standing import Standing  # noqa: PLC0415
        from email_opens_cli.commands.watch.turns import Following  # noqa: PLC0415

        ending, standing = Ending(), Standing()
        rejected = Path(f"{self.state}.rejected")
        with ExitStack() as opened:
            state = opened.enter_context(StateFile(self.state))
            opened.callback(state.remove_unused)
            outlets = opened.enter_context(open_outlets(self.output, self.form, rejected, ending))
            if closed(outlets.output):
                return 0
            clock = outlets.clock(InterruptibleClock(SystemClock(), ending))
            publisher, chat = outlets.publisher, None
            if self.alert is not None:
                from email_opens.bootstrap.watch_alert import alerting  # noqa: PLC0415

                publisher = chat = alerting(
                    publisher,
                    self.settings,
                    state,
                    self.alert,
                    every_open=self.alert_all,
                    mend=f"set {WEBHOOK_VARIABLE} to its URL and start again",
                    warn=warn,
                    waits=ending,
                )
            product = bootstrap_watch(
                self.settings,
                state,
                publisher,
                clock=clock,
                waits=ending,
                reconnect=f"{self.wanted.command} --reconnect",
                on_save=chat.flushed_after(standing.note) if chat else standing.note,
                on_lease=standing.note_budget,
                first_opens=chat is not None,
            )
            self.check_state(product.credentials, self.wanted.account_id, self.state)
            tokens = new_tokens(
                product,
                self.settings,
                self.wanted.account_id,
                self.given,
                reconnect=self.reconnect,
            )
            warnings = []
            if tokens is not None:
                warnings = connect(
                    product, self.wanted.account_id, tokens, another_account=self.another_account
                )
            screen = None
            if outlets.console is not None:
                from email_opens_cli.commands.watch.screen import Screen  # noqa: PLC0415 - rich

                screen = Screen(outlets.console, standing, clock)
            following = Following(
                product=product,
                wanted=self.wanted,
                ending=ending,
                standing=standing,
                screen=screen,
                rejected=rejected,
                warnings=warnings,
                before_turn=chat.flush if chat else lambda: None,
            )
            with ending:
                try:
                    with screen.live() if screen else nullcontext():
                        following.begin()
                        if not ending.requested:
                            self._print_beginning(len(standing.activities))
                        code = following.take_turns()
                except Interrupted:
                    code = INTERRUPTED
                except OutputClosed:
                    code = 0
                if ending.requested:
                    again = " Run the command again to continue from here." if self.kept else ""
                    warn(f"Ended.{again}")
                    return INTERRUPTED
            if self.wanted.once and code == 0:
                code = following.conclude()
        return code

    def _print_beginning(self, emails: int) -> None:
        watched = f"Watching {count(emails, 'e-mail')} of account {self.wanted.account_id}"
        kept = f"; the progress is kept in {self.state}" if self.kept else ""
        warn_a_person(f"{watched}{kept}. Ctrl-C ends it.")
