"""Commands in messages, completed so that they work when they are pasted.

The core does not know the stack, and a stored error was written by a function that does not
either. So the options with which a command was run are added where a message is printed.
"""

import re
from shlex import quote

from email_opens_cli.arguments import invocation

# Not the name of a command that holds the lease: “`email-opens poll` is working on …”.
_COMMAND = re.compile(r"`email-opens ([a-z-]+)([^`]*)`(?! is working)")
_WITHOUT_STACK = ("watch", "demo", "deploy")
_WITHOUT_ACCOUNT = (*_WITHOUT_STACK, "connect", "disconnect", "dead-letters")
_DEFAULT_ACCOUNT = "default"


def pasteable(text: str) -> str:
    """Add --account and --stack to the commands in a text, as the running command has them."""
    if "`email-opens " not in text:
        return text
    return _COMMAND.sub(_completed, text)


def _completed(command: re.Match[str]) -> str:
    running, (name, rest) = invocation.current(), command.groups()
    account_id, stack = running.account_id, running.stack
    options = ""
    if (
        account_id not in (None, _DEFAULT_ACCOUNT)
        and name not in _WITHOUT_ACCOUNT
        and "--account" not in rest
    ):
        options += f" --account {quote(account_id)}"
    if stack is not None and name not in _WITHOUT_STACK and "--stack" not in rest:
        options += f" --stack {quote(stack)}"
    return f"`email-opens {name}{rest}{options}`"
