"""Commands in messages, completed so that they work when they are pasted.

The core does not know the stack, and a stored error was written by a function that does not
either. So the options with which a command was run, and the program as it was started, are put in
where a message is printed.
"""

import re
import shutil
import sys
from pathlib import Path
from shlex import quote

from email_opens_cli.arguments import invocation

# Not the name of a command that holds the lease: “`email-opens poll` is working on …”.
_COMMAND = re.compile(r"`email-opens ([a-z-]+)([^`]*)`(?! is working)")
_DEPLOYMENT = re.compile(r"`make deploy([^`]*)`")
_WITHOUT_STACK = ("watch", "demo", "deploy")
_WITHOUT_ACCOUNT = (
    *_WITHOUT_STACK,
    "connect",
    "dead-letters",
    "disconnect",
    "subscribe",
    "subscriptions",
    "unsubscribe",
)
DEFAULT_ACCOUNT = "default"


def pasteable(text: str) -> str:
    """Complete the commands in a text: the program's path, and this run's account and stack."""
    if "`email-opens " not in text and "`make deploy" not in text:
        return text
    return _DEPLOYMENT.sub(_deployment, _COMMAND.sub(_completed, text))


def _completed(command: re.Match[str]) -> str:
    running, (name, rest) = invocation.current(), command.groups()
    account_id, stack = running.account_id, running.stack
    options = ""
    if (
        account_id not in (None, DEFAULT_ACCOUNT)
        and name not in _WITHOUT_ACCOUNT
        and "--account" not in rest
    ):
        options += f" --account {quote(account_id)}"
    if stack is not None and name not in _WITHOUT_STACK and "--stack" not in rest:
        options += f" --stack {quote(stack)}"
    return f"`{started_as(sys.argv[0])} {name}{rest}{options}`"


def _deployment(command: re.Match[str]) -> str:
    """Return the command that deploys the stack of this run, and no other."""
    stack, rest = invocation.current().stack, command[1]
    return f"`make deploy{rest}{f' STACK={quote(stack)}' if stack else ''}`"


def started_as(path: str, name: str = "email-opens") -> str:
    """Return what starts a program again, which was started as `path`.

    That is its name if the shell finds this program by it, and otherwise its path.
    """
    started = Path(path)
    if started.name == "__main__.py":
        return f"{_typed(sys.executable)} -m {started.parent.name}"
    if started.stem != name or started.name == path:
        return name
    found = shutil.which(name)
    if started.is_absolute() and found and Path(found).parent == started.parent:
        return name
    return _typed(path)


def beside(path: str, name: str) -> str:
    """Return what starts another program of the folder from which one was started as `path`."""
    other = Path(path).parent / name
    return started_as(str(other), name) if other.is_file() else name


def _typed(path: str) -> str:
    """Return a path as it is typed: the shells of Windows know no backslash as an escape."""
    if sys.platform == "win32":
        from subprocess import list2cmdline  # noqa: PLC0415 - other systems start faster

        return list2cmdline([path])
    return quote(path)
