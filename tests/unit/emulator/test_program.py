"""The emulator as a program: its arguments, and the world that it serves."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from constant_contact_emulator import Kind
from constant_contact_emulator.__main__ import main, parser, start


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "x"], "“x” is not a whole number from 0 to 65535."),
        (["--contacts", "-1"], "“-1” is not a whole number from 0 to 5000000."),
        (["--speed", "fast"], "“fast” is not a number from 0 to 1e+06."),
        (["--late", "nan"], "“nan” is not a number from 0 to 1."),
        (["--start", "soon"], "“soon” is not a date and time such as 2026-03-02T14:07:00Z."),
        (["--fault", '{"kind": "rain"}'], "is not a fault: 'rain' is not a valid Kind."),
        (["--fault", "[]"], "“[]” is not a fault: "),
        (["--accounts", "fine", "a b"], "“a b” is not an account id: expected 1 to 64 letters"),
        (["--paging", "cursor"], "“cursor” is not one of offset, keyset, snapshot."),
    ],
)
def test_an_invalid_argument_is_refused_with_a_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert message in capsys.readouterr().err


def test_the_help_lists_options_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "--sent-ago HOURS" in printed
    assert "examples:" in printed


def test_a_port_in_use_is_reported() -> None:
    emulator, _ = start(parser().parse_args(["--port", "0", "--campaigns", "0"]))
    port = emulator.url.rpartition(":")[2]
    with emulator, pytest.raises(SystemExit) as refused:
        main(["--port", port, "--campaigns", "0"])
    assert str(refused.value.code).startswith(f"Cannot listen on port {port}: ")


def test_send_times_out_of_range_are_reported() -> None:
    arguments = ["--port", "0", "--start", "0003-01-01", "--sent-ago", "99999"]
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert "out of range" in str(refused.value.code)


def test_the_world_matches_the_arguments() -> None:
    arguments = [
        "--port",
        "0",
        "--accounts",
        "first",
        "second",
        "--campaigns",
        "2",
        "--contacts",
        "50",
    ]
    arguments += ["--sent-ago", "800", "--paging", "keyset", "--last-page", "null_next"]
    emulator, facts = start(parser().parse_args(arguments))
    with emulator:
        assert list(facts["accounts"]) == ["first", "second"]
        for account in facts["accounts"].values():
            for campaign in account["campaigns"]:
                visible = emulator.world.count_rows(campaign["activity_id"])
                assert visible == campaign["rows_in_the_end"] > 0


def test_faults_and_limits_can_be_given_from_the_start() -> None:
    arguments = ["--port", "0", "--campaigns", "0", "--fault", '{"kind": "gateway"}']
    arguments += ["--day-turns-late", "60", "--gateway-limits"]
    emulator, facts = start(parser().parse_args(arguments))
    token = facts["accounts"]["default"]["credentials"]["access_token"]
    with emulator:
        url, headers = f"{emulator.url}/v3/emails", {"Authorization": f"Bearer {token}"}
        statuses = [requests.get(url, headers=headers, timeout=5).status_code for _ in range(2)]
    assert statuses == [403, 200]
    assert emulator.limits.turns_late == timedelta(minutes=1)
    assert emulator.limits.through_gateway


def test_the_help_names_every_kind_of_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out.split()
    assert [kind for kind in Kind if kind not in printed] == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_the_program_serves_until_it_is_ended(number: int, code: int) -> None:
    command = [sys.executable, "-m", "constant_contact_emulator", "--port", "0", "--no-limits"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        try:
            assert program.stdout
            printed: list[bytes] = []
            while printed[-1:] != [b"}\n"]:
                printed.append(program.stdout.readline())
                assert printed[-1], "The program ended."
            facts = json.loads(b"".join(printed))
            token = facts["accounts"]["default"]["credentials"]["access_token"]
            reply = requests.get(
                f"{facts['url']}/v3/emails", headers={"Authorization": f"Bearer {token}"}, timeout=5
            )
            program.send_signal(number)
            assert program.wait(timeout=10) == code
        finally:
            program.kill()
    assert len(reply.json()["campaigns"]) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_a_full_disk_is_reported_in_a_sentence() -> None:
    command = [sys.executable, "-m", "constant_contact_emulator", "--port", "0", "--contacts", "1"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=30)
    message = b"The output cannot be written: No space left on device.\n"
    assert (done.returncode, done.stderr) == (1, message)


def test_the_program_ends_quietly_when_its_reader_has_ended() -> None:
    command = [sys.executable, "-m", "constant_contact_emulator", "--port", "0", "--contacts", "1"]
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE) as program:
        os.close(writer)
        _, stderr = program.communicate(timeout=30)
    assert (program.returncode, stderr) == (0, b"")
