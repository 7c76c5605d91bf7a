"""`email-opens` as a program on its own terminal, with AWS emulated in its process.

    python -m tests.unit.cli.terminal.terminal_program REPORT ARGUMENT…

When it ends, it writes the names of the stored parameters to REPORT, as JSON.
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

from email_opens.bootstrap import product
from email_opens_cli.main import app

SPEED = 50
"""How many times faster than real time the program's and the vendor's clocks run."""


class FastSleepClock:
    """Sleeps SPEED times shorter; without any sleep it would poll the vendor without pause."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / SPEED)  # The vendor is another process, in real time.


def main(report: Path, arguments: list[str]) -> None:
    # The session leader opens the terminal, which makes it the controlling one: Ctrl-C
    # interrupts, and a hidden prompt finds it under /dev/tty.
    os.close(os.open(os.ttyname(0), os.O_RDWR))
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        # A program takes no clock as an argument.
        patch.setattr(product, "SystemClock", FastSleepClock)
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
            report.write_text(json.dumps([parameter["Name"] for parameter in stored]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
