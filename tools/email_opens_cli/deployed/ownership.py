"""Which stack uses an account's credentials: two stacks that refresh them may disconnect both."""

from typing import TYPE_CHECKING

from email_opens.account import Tokens
from email_opens.errors import AccountDisconnected, InvalidInput

if TYPE_CHECKING:
    from email_opens.bootstrap.product import EmailOpens


def refuse_those_of_another_stack(product: "EmailOpens", account_id: str) -> None:
    """Make sure that no other stack uses the credentials that are stored for an account.

    Raises:
        InvalidInput: another stack uses them.
    """
    settings = product.settings
    owner = another_stack(product, account_id)
    if owner is not None:
        raise InvalidInput(
            f"The stack {owner} uses the credentials of account {account_id} in the parameter "
            f"{settings.credentials_prefix}{account_id}, and would lose its connection; nothing "
            f"was changed. Give this stack credentials of its own: run {own_path(product)}, and "
            "this command again. To replace those of the other stack, add --another-stack."
        )


def another_stack(product: "EmailOpens", account_id: str) -> str | None:
    """Return the other stack that uses the credentials of an account; None: none is known."""
    try:
        return other_owner(product, product.credentials.load(account_id))
    except AccountDisconnected:
        return None  # There are none, or nobody can use them.


def other_owner(product: "EmailOpens", tokens: Tokens) -> str | None:
    """Return the other stack that uses some credentials; None: none is known.

    Earlier versions have stored no stack's name.
    """
    own = product.settings.stack_name
    return tokens.stack if own is not None and tokens.stack != own else None


def own_path(product: "EmailOpens") -> str:
    """Return the command that gives the stack a path of its own for credentials."""
    own = product.settings.stack_name
    return f"`make deploy STACK={own} PARAMETERS=CredentialsPrefix=/{own}/`"
