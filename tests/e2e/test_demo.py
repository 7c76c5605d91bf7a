"""The demo as a program, interrupted. That it works as a whole is tested by `make demo` in CI."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_aws.uv import environment_without_aws

COMMAND = str(Path(sys.executable).with_name("email-opens"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_demo_and_all_that_it_started(
    number: signal.Signals, tmp_path: Path
) -> None:
    demo = subprocess.Popen(
        [COMMAND, "demo"],
        env=environment_without_aws() | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with demo:
        assert demo.stdout
        printed = [demo.stdout.readline()]
        while printed[-1] and not printed[-1].startswith("Starting an AWS"):
            printed.append(demo.stdout.readline())
        os.kill(demo.pid, number)
        rest, _ = demo.communicate()
    assert demo.returncode == 130
    assert "Interrupted. Everything that the demo started has ended.\n" in rest
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []
