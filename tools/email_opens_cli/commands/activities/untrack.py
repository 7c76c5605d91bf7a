"""Stop tracking e-mails."""

from email_opens_cli.arguments.options import Account, Emails, Stack, parse_account
from email_opens_cli.deployed.product import product
from email_opens_cli.emails.activities import choose
from email_opens_cli.terminal.console import say
from email_opens_cli.terminal.words import named


def untrack(emails: Emails, account: Account = "default", stack: Stack = None) -> None:
    """Stop tracking e-mails; the ledger keeps what was published."""
    account_id, tracking = parse_account(account), product(stack).tracking
    for activity in choose(tracking, account_id, emails):
        tracking.remove(account_id, activity.campaign_activity_id)
        say(
            f"{named(activity)} is no longer tracked. Its ledger stays: if you track it again, "
            "nothing is published twice."
        )
