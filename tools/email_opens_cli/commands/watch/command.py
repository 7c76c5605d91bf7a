"""A watch as it runs: what it is wired from, its turns and its end."""

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from email_opens.confidential import Confidential
from email_opens_cli.arguments.options import WEBHOOK_VARIABLE
from email_opens_cli.commands.watch.credentials import connect, new_tokens
from email_opens_cli.commands.watch.emails import Wanted
from email_opens_cli.commands.watch.output import Format
from email_opens_cli.terminal.complaints import INTERRUPTED
from email_opens_cli.terminal.ending import Ending, Interrupted, InterruptibleClock
from email_opens_cli.terminal.plain import warn, warn_a_person
from email_opens_cli.terminal.words import count

if TYPE_CHECKING:
    from email_opens.account import Tokens
    from email_opens.config.settings import Settings
    from email_opens.ports import Credentials


class Command(Confidential, frozen=True, kw_only=True):
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
    alert: str | None  # The URL is a secret.
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
                once=self.wanted.once,
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
