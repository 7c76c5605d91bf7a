"""`email-opens watch` loads nothing of AWS, so that it needs none of it installed."""

import json
import subprocess
import sys
from pathlib import Path

from constant_contact_emulator import Emulator, Limits

AWS = {"aws_lambda_powertools", "boto3", "botocore", "s3transfer"}
PROGRAM = """
import json, sys
from email_opens_cli.main import app
try:
    app(sys.argv[1:])
except SystemExit as exit:
    print(json.dumps([exit.code, *sys.modules]), file=sys.stderr)
"""


def test_watch_imports_nothing_of_aws(tmp_path: Path) -> None:
    with Emulator(limits=Limits.off()) as vendor:
        activity_id = vendor.world.add_campaign().activity_id
        vendor.world.send(activity_id)
        vendor.world.add_open(activity_id)
        arguments = ["watch", "--once", "--state", str(tmp_path / "state"), "--credentials", "-"]
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments, activity_id],
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
    assert (code, ended.stdout.count("email.opened")) == (0, 1)
    assert not AWS & {name.partition(".")[0] for name in modules}
