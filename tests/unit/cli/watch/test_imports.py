"""What `email-opens watch --once` imports, since most of its time passes in imports."""

import json
import subprocess
import sys

import pytest

from constant_contact_emulator import Emulator, Limits

AWS = ("aws_lambda_powertools", "boto3", "botocore", "s3transfer", "email_opens.adapters.aws")
TERMINAL = ("markdown_it", "pygments", "rich", "segno", "termios")
OTHER_COMMANDS = (
    "constant_contact_emulator",
    "email_opens.adapters.webhook",
    "email_opens.alerts.alerts",
    "email_opens.config.stack",
    "email_opens_cli.commands.account",
    "email_opens_cli.consent",
    "email_opens_cli.demo",
)
SLOW = ("asyncio", "pydantic", "tomllib")
PROGRAM = """
import json, sys
from email_opens_cli.main import app
try:
    app(sys.argv[1:])
except SystemExit as exit:
    print(json.dumps([exit.code, *sys.modules]), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the modules of a run that continues from a state file and reads another e-mail."""
    folder = tmp_path_factory.mktemp("watch")
    output = folder / "opens.jsonl"
    files = ["--state", str(folder / "state"), "--output", str(output)]
    with Emulator(limits=Limits.off()) as vendor:
        for options in (["--credentials", "-"], []):
            activity_id = vendor.world.add_campaign().activity_id
            vendor.world.send(activity_id)
            vendor.world.add_open(activity_id)
            ended = subprocess.run(
                [sys.executable, "-c", PROGRAM, "watch", activity_id, "--once", *files, *options],
                env={
                    "CONSTANT_CONTACT_API_URL": vendor.url,
                    "CONSTANT_CONTACT_AUTH_URL": vendor.auth_url,
                },
                input=json.dumps(vendor.credentials()),
                capture_output=True,
                text=True,
                check=True,
            )
    code, *modules = json.loads(ended.stderr)
    assert (code, output.read_text().count("email.opened")) == (0, 2)
    return set(modules)


@pytest.mark.parametrize(
    "unused", [AWS, TERMINAL, OTHER_COMMANDS, SLOW], ids=lambda names: names[0]
)
def test_a_run_from_cron_imports_nothing_that_it_does_not_use(
    imported: set[str], unused: tuple[str, ...]
) -> None:
    below = tuple(f"{name}." for name in unused)
    assert {name for name in imported if name in unused or name.startswith(below)} == set()
