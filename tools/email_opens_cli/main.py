"""`email-opens`: the registration of what a person types."""

import typer

from email_opens_cli.commands import demo, doctor, explain, poll, status
from email_opens_cli.commands.account import campaigns, connect, disconnect, discover
from email_opens_cli.commands.activities import pause, resume, track, untrack
from email_opens_cli.commands.opens import audit, dead_letters, replay, tail
from email_opens_cli.commands.watch import watch
from email_opens_cli.terminal.program import Program

app = typer.Typer(
    cls=Program,
    help="Publish each new open of an e-mail sent by Constant Contact, once, to an SNS topic.",
    epilog=(
        "Settings are read from the environment, as the function has them, or from --stack. "
        "Exit codes: 0 success, 1 something failed, 2 bad input or settings, 130 interrupted."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command()(demo.demo)
app.command()(connect.connect)
app.command()(disconnect.disconnect)
app.command()(watch.watch)
app.command()(discover.discover)
app.command()(campaigns.campaigns)
app.command()(track.track)
app.command()(untrack.untrack)
app.command()(pause.pause)
app.command()(resume.resume)
app.command()(status.status)
app.command()(explain.explain)
app.command()(poll.poll)
app.command()(tail.tail)
app.command()(audit.audit)
app.command()(replay.replay)
app.command()(doctor.doctor)
app.add_typer(dead_letters.app, name="dead-letters")
