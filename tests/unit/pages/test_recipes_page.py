"""The recipes' statements, in DuckDB, and the code of their functions."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import boto3
import duckdb
import pytest

from email_opens.events import message
from email_opens_cli.commands.opens.samples import samples
from tests.conftest import Aws
from tests.integration.template import of_type, parse_template
from tests.unit.pages.recipes import recipe

SAMPLES = samples(50, 1, datetime(2026, 3, 2, 14, 7, tzinfo=UTC))
MESSAGES = [message(sample.activity, sample.new) for sample in SAMPLES]
EVENTS: dict[str, dict[str, Any]] = {
    event["id"]: event for event in (json.loads(text) for text in MESSAGES)
}
TIMES = 3
"""How often each event arrives."""


def by_campaign() -> list[tuple[str | None, int, int]]:
    """Return the campaigns with their opens and contacts."""
    names = Counter(event["data"].get("campaign_name") for event in EVENTS.values())
    return [
        (
            name,
            opens,
            len({e["subject"] for e in EVENTS.values() if e["data"].get("campaign_name") == name}),
        )
        for name, opens in names.items()
    ]


class TestTheFiles:
    @pytest.fixture(params=["\n", "\n\n"], ids=["newlines", "empty-lines"])
    def archive(
        self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> duckdb.DuckDBPyConnection:
        """Write each event to three files, as Firehose does, and read them as the page shows."""
        for hour in range(TIMES):
            folder = tmp_path / "opens" / "2026" / "03" / "02" / f"{hour:02}"
            folder.mkdir(parents=True)
            text = "".join(event + request.param for event in MESSAGES)
            (folder / "opens.gz").write_bytes(gzip.compress(text.encode()))
        monkeypatch.chdir(tmp_path)
        database = duckdb.connect()
        database.execute(recipe("Query the files with DuckDB", "sql")[0])
        return database

    def test_have_each_open_once(self, archive: duckdb.DuckDBPyConnection) -> None:
        rows = archive.execute("SELECT id FROM opens").fetchall()
        assert sorted(rows) == sorted((event_id,) for event_id in EVENTS)

    @pytest.mark.parametrize("engine", ["DuckDB", "Athena"])
    def test_are_counted_by_campaign(self, archive: duckdb.DuckDBPyConnection, engine: str) -> None:
        query = recipe(f"Query the files with {engine}", "sql")[1]
        rows = archive.execute(query).fetchall()
        assert sorted(rows, key=str) == sorted(by_campaign(), key=str)

    def test_have_the_same_columns_in_athena(self, archive: duckdb.DuckDBPyConnection) -> None:
        table = recipe("Query the files with Athena", "sql")[0]
        columns = re.findall(r"^ +`?(\w+)`? string|, `?(\w+)`? string", table, re.MULTILINE)
        names = {first or second for first, second in columns} | {"data"}
        fields = set(re.findall(r"[<, ](\w+):", table))
        described = archive.execute("DESCRIBE opens").fetchall()
        types = {name: kind for name, kind, *_ in described}
        assert names == set(types)
        assert fields == set(re.findall(r"[( ]\"?(\w+)\"? [A-Z]", types["data"]))


class TestTheWarehouse:
    @pytest.fixture
    def warehouse(self) -> duckdb.DuckDBPyConnection:
        database = duckdb.connect()
        database.execute(recipe("A warehouse table", "sql")[0])
        return database

    def load(self, warehouse: duckdb.DuckDBPyConnection) -> None:
        """Load each event three times, and merge."""
        warehouse.execute("DELETE FROM new_opens")
        for event in TIMES * list(EVENTS.values()):
            data = event["data"]
            row = [event["id"], event["time"], data["contact_id"], data["campaign_activity_id"]]
            row += [data.get("campaign_name"), data.get("device_type")]
            warehouse.execute("INSERT INTO new_opens VALUES (?, ?, ?, ?, ?, ?)", row)
        warehouse.execute(recipe("A warehouse table", "sql")[1])

    def test_has_one_row_for_each_open(self, warehouse: duckdb.DuckDBPyConnection) -> None:
        self.load(warehouse)
        self.load(warehouse)
        rows = warehouse.execute("SELECT id, contact_id, device_type FROM opens").fetchall()
        expected = [
            (event["id"], event["subject"], event["data"].get("device_type"))
            for event in EVENTS.values()
        ]
        assert sorted(rows, key=str) == sorted(expected, key=str)

    def test_forgets_a_contact(self, warehouse: duckdb.DuckDBPyConnection) -> None:
        self.load(warehouse)
        contact_id = SAMPLES[0].new.open.contact_id
        statement = recipe("Retention and privacy", "sql")[0]
        warehouse.execute(re.sub(r"'[0-9a-f-]{36}'", f"'{contact_id}'", statement))
        left = warehouse.execute("SELECT id FROM opens").fetchall()
        others = [(event["id"],) for event in EVENTS.values() if event["subject"] != contact_id]
        assert sorted(left) == sorted(others)


def function(heading: str) -> ModuleType:
    """Return the module of a recipe's function, as its template has it."""
    template = parse_template(recipe(heading, "yaml")[0])
    (properties,) = of_type(template, "AWS::Serverless::Function").values()
    name, _, _ = properties["Handler"].partition(".")
    module = ModuleType(name)
    exec(properties["InlineCode"], module.__dict__)
    return module


def batch(bodies: list[str]) -> dict[str, Any]:
    """Return an event of SQS; a message's id is its number."""
    return {
        "Records": [{"messageId": str(n), "body": body} for n, body in enumerate(bodies)],
    }


def failed(*numbers: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": str(number)} for number in numbers]}


class TestTheFunction:
    def test_names_only_what_failed(
        self, aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        boto3.client("dynamodb").create_table(
            TableName="opens",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        monkeypatch.setenv("TABLE", "opens")
        reply = function("A Lambda function").handler(
            batch([MESSAGES[0], "bo@example.com", MESSAGES[0]]), None
        )
        assert reply == failed(1)
        assert aws.dynamodb.scan(TableName="opens")["Count"] == 1
        assert capsys.readouterr().out == "1 JSONDecodeError\n"


class TestTheCrm:
    @pytest.fixture
    def answers(self) -> list[int]:
        """The statuses of the next answers of the API."""
        return []

    @pytest.fixture
    def url(self, answers: list[int]) -> Iterator[str]:
        class Api(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(answers.pop(0))
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Api) as server:
            Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()

    @pytest.fixture
    def crm(self, aws: Aws, url: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        aws.ssm.put_parameter(Name="crm-token", Type="SecureString", Value="a-token")
        monkeypatch.setenv("TOKEN_PARAMETER", "crm-token")
        monkeypatch.setenv("URL", url)
        return function("A CRM over HTTPS")

    def test_is_asked_again_only_for_what_it_refused(
        self, crm: ModuleType, answers: list[int], capsys: pytest.CaptureFixture[str]
    ) -> None:
        answers += [204, 503, 200]
        assert crm.handler(batch(MESSAGES[:3]), None) == failed(1)
        assert capsys.readouterr().out == "1 HTTPError 503\n"

    def test_is_asked_again_when_it_cannot_be_reached(
        self, crm: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("URL", "http://127.0.0.1:9/")
        assert crm.handler(batch(MESSAGES[:1]), None) == failed(0)
