"""`email-opens`: the registration of what a person types."""

from typing import Annotated

import typer

from email_opens_cli.terminal.lazy_group import Lazy, LazyGroup
from email_opens_cli.terminal.plain import say
from email_opens_cli.terminal.program import Program


def _at(path: str, summary: str) -> Lazy:
    return Lazy(f"email_opens_cli.commands.{path}", summary)


class Commands(Program, LazyGroup):
    """The commands by what they are about; each is imported when it runs."""

    sections = {  # noqa: RUF012 - the base class declares it
        "On this machine": {
            "watch": _at(
                "watch.watch:watch",
                "Show each new open once, without AWS.",
            ),
            "demo": _at("demo:demo", "Run the whole product on this machine."),
        },
        "Deployment": {
            "deploy": _at("deploy:deploy", "Deploy the stack to AWS."),
            "doctor": _at("doctor:doctor", "Check whether an account's opens arrive."),
        },
        "Accounts": {
            "connect": _at("account.connect:connect", "Connect an account."),
            "disconnect": _at(
                "account.disconnect:disconnect", "Delete an account's schedule and credentials."
            ),
            "discover": _at("account.discover:discover", "Find recent sends, and track them."),
            "campaigns": _at(
                "account.campaigns:campaigns",
                "Show the campaigns that the account has sent, and which are tracked.",
            ),
        },
        "E-mails": {
            "track": _at("activities.track:track", "Track sent e-mails."),
            "untrack": _at("activities.untrack:untrack", "Stop tracking e-mails."),
            "pause": _at("activities.pause:pause", "Stop polling e-mails until `resume`."),
            "resume": _at(
                "activities.resume:resume",
                "Poll paused, finished or gone e-mails again.",
            ),
        },
        "Polls": {
            "status": _at(
                "status.status:status", "Show what is tracked, and how far it has been read."
            ),
            "explain": _at("explain:explain", "Show when each e-mail is polled next, and why."),
            "poll": _at("poll:poll", "Poll the account once, from this machine."),
        },
        "Subscribers": {
            "subscribe": _at(
                "subscribers.subscribe:subscribe",
                "Subscribe a queue, a function, an address, an endpoint, a stream or a chat to the "
                "opens.",
            ),
            "unsubscribe": _at(
                "subscribers.unsubscribe:unsubscribe",
                "End a subscription, and remove what `subscribe` has created for it.",
            ),
            "subscriptions": _at(
                "subscribers.subscriptions:subscriptions",
                "Show the topic's subscriptions: filters, confirmations, and what is waiting or "
                "has failed.",
            ),
        },
        "Opens": {
            "schema": _at("schema:schema", "Print the JSON Schema of the published events."),
            "tail": _at("opens.tail:tail", "Show opens live until Ctrl-C."),
            "audit": _at(
                "opens.audit:audit",
                "Read an e-mail's report to its end, and publish what was missing.",
            ),
            "replay": _at("opens.replay:replay", "Send an e-mail's opens again."),
            "emit": _at(
                "opens.emit:emit",
                "Send sample events to one queue or topic, to test a consumer without a send.",
            ),
            "dead-letters": _at(
                "opens.dead_letters:app", "List, publish again or delete what the topic refused."
            ),
        },
    }


app = typer.Typer(
    cls=Commands,
    help="Publish each new open of your Constant Contact e-mails, once, to an SNS topic.",
    epilog=(
        "A command works on the stack that --stack or EMAIL_OPENS_STACK names. Without either, it "
        "uses the settings in the environment, or else the stack that was deployed from this "
        "folder. Exit codes: 0 success (also if a pipe is closed), 1 something failed, 2 bad input "
        "or settings, 130 interrupted."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - for a fast --help

        say(f"email-opens {version('email-opens')}")
        raise typer.Exit


@app.callback()
def email_opens(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    del version
