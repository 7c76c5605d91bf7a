"""Stop tracking e-mails."""

from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.complaints import FAILED, complain, complaints
from email_opens_cli.terminal.console import say
from email_opens_cli.terminal.options import Account, Ids, Stack, parse_account, parse_ids


def untrack(activity_ids: Ids, account: Account = "default", stack: Stack = None) -> None:
    """Stop tracking e-mails; the ledger keeps what was published."""
    with complaints():
        account_id, wanted = parse_account(account), parse_ids(activity_ids)
        tracking = product(stack).tracking
        untracked = [
            activity_id for activity_id in wanted if not tracking.remove(account_id, activity_id)
        ]
        for activity_id in wanted:
            if activity_id not in untracked:
                say(
                    f"{activity_id} is no longer tracked. Its ledger stays: tracked again, it "
                    "publishes nothing twice."
                )
        if untracked:
            complain(f"Not tracked for account {account_id}: {', '.join(untracked)}.", FAILED)
