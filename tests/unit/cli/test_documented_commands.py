"""The `email-opens` commands of a page, run one after the other against an emulated stack."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.stacks import STACK, make_stack
from tests.unit.cli.subscribers.subscribers import make_function
from tests.unit.cli.world import World, run
from tests.unit.pages.shown import TEXTS, commands_of

FAILS = {"doctor"}
"""What exits with 1: the emulated stack has neither alarms nor a function."""
NOT_RUN = {
    "demo": "It deploys a stack, as tests/e2e does.",
    "--install-completion": "It changes the files of a shell.",
    "watch --demo": "It runs until Ctrl-C; tests/unit/cli/watch has its tests.",
    "tail": "It runs until Ctrl-C; tests/unit/cli/opens/test_tail.py ends it.",
    "unsubscribe alert": "No alert is on; tests/e2e/test_subscribing.py turns one on and off.",
}
NAMES = ("Spring sale", "Newsletter 1")
"""The e-mails that pages name."""
ADDED = {
    "watch": ["--once", "--credentials", "-"],
    "disconnect": ["--yes"],
    "replay": ["--yes"],
    "emit": ["--yes"],
    "subscribe": ["--yes", "--stack", STACK],
    "unsubscribe": ["--yes", "--stack", STACK],
    "dead-letters drop": ["--yes"],
}
"""Options that replace a person's answers, or end the command."""
PAGES_WITH_COMMANDS = [
    page for page in TEXTS if any(shown.program == "email-opens" for shown in commands_of(page))
]


def is_not_run(words: tuple[str, ...]) -> bool:
    return any(" ".join(words).startswith(beginning) for beginning in NOT_RUN)


def commands(page: Path) -> list[tuple[str, ...]]:
    """Return the commands of a page, without the names of commands in sentences."""
    shown = [
        shown.words[1:]
        for shown in commands_of(page)
        if shown.program == "email-opens" and not shown.is_a_name
    ]
    return [words for words in dict.fromkeys(shown) if not is_not_run(words)]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda page: page.name)
def test_the_commands_of_a_page_work(
    page: Path, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_stack(world.aws, world.vendor)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("REQUESTS_PER_SECOND", "1000")
    for name in NAMES:
        activity_id = world.vendor.world.add_campaign(name).activity_id
        world.vendor.world.send(activity_id)
        world.vendor.world.add_open(activity_id, contact=0)
    meant = {
        "email-opens": STACK,
        "E-MAIL": activity_id,
        "FUNCTION": make_function(),
        "URL": "https://example.com/opens",
        # As earlier commands of the pages have subscribed them.
        "NAME": "opens",
        "NAME-OR-ARN": "you@example.com",
    }
    queues = "https://sqs.eu-west-1.amazonaws.com/123456789012/"
    meant |= {f"{queues}{name}": world.aws.subscriber_url for name in ("new-subscriber", "opens")}
    for words in commands(page):
        credentials = json.dumps(world.vendor.credentials())
        for account_id in ("default", "acme"):  # An earlier command may have disconnected it.
            world.aws.ssm.put_parameter(
                Name=f"/email-opens/{account_id}",
                Type="SecureString",
                Value=credentials,
                Overwrite=True,
            )
            run("track", *NAMES, "--account", account_id)
        name = " ".join(words[:2]) if words[0] == "dead-letters" else words[0]
        typed = [meant.get(word, word) for word in words] + ADDED.get(name, [])
        answer = "https://example.com/webhook" if words[0] == "subscribe" else credentials
        result = run(*typed, typed=answer)
        allowed = {0, 1} if name in FAILS else {0}
        assert result.exit_code in allowed, f"{' '.join(typed)}: {result.output}"
