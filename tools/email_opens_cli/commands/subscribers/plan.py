"""What a command will change: shown, confirmed and done."""

from typing import TYPE_CHECKING

from email_opens_cli.terminal.console import confirm, say, warn

if TYPE_CHECKING:
    from email_opens_cli.deployed.subscribing.plans import Plan


def show_and_carry_out(plan: "Plan", *, yes: bool) -> bool:
    """Show a plan, ask, and carry it out; return False if there was nothing to do.

    Raises:
        InvalidInput, typer.Abort: it is not confirmed.
        EmailOpensError: AWS refuses a step; the earlier ones are done.
    """
    say(*plan.exists)
    warn(*(f"Warning: {warning}" for warning in plan.warnings))
    if not plan.steps:
        say("Nothing needs to be done.")
        return False
    say("The command will", *(f"  - {step.what}" for step in plan.steps))
    confirm("Go on?", yes=yes)
    plan.carry_out()
    return True
