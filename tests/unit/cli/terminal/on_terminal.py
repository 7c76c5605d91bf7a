"""`email-opens` as a program on a terminal of its own, over an AWS inside of itself.

    python -m tests.unit.cli.terminal.on_terminal REPORT ARGUMENT…

REPORT gets the names of the parameters that are stored in the end, as JSON.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from email_opens import bootstrap
from email_opens_cli.main import app

SPEED = 50
"""How many seconds of waiting pass in one; the vendor's clock runs as fast."""


class HurriedClock:
    """Sleeps as briefly as SPEED says: not at all, and the vendor would be asked without pause."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / SPEED)


def main(report: Path, arguments: list[str]) -> None:
    # Opened by the leader of a session, it is the controlling terminal: Ctrl-C interrupts, and
    # a hidden prompt finds it under /dev/tty.
    os.close(os.open(os.ttyname(0), os.O_RDWR))
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        # Nobody can hand a program its clock.
        patch.setattr(bootstrap, "SystemClock", HurriedClock)
        boto3.client("dynamodb").create_table(
            TableName=os.environ["TRACKING_TABLE"],
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "account_id", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "account_id", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
        )
        try:
            app(arguments)
        finally:
            stored = boto3.client("ssm").describe_parameters()["Parameters"]
            report.write_text(json.dumps([one["Name"] for one in stored]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
