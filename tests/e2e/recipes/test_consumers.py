"""The programs and functions of the recipes store each open once, of events published thrice."""

import subprocess
import sys
from pathlib import Path

from embedded_aws import EmbeddedAws
from embedded_aws.uv import uv_tool_run
from tests.e2e.recipes.programs import POSTGRES, PSYCOPG, Crm, postgres, running
from tests.e2e.recipes.subscribers import deploy, new_topic, wait_until_processed
from tests.unit.pages.recipes import queue_template, recipe

TOKEN = "a-token"


def save_consumer(folder: Path, heading: str) -> None:
    """Save the program of the recipe, with the function that stores in a database."""
    (folder / "consume.py").write_text(recipe("A queue and a program", "python")[0])
    (folder / "store.py").write_text(recipe(heading, "python")[0])


def stored_ids(aws: EmbeddedAws, table: str) -> set[str]:
    items = aws.client("dynamodb").scan(TableName=table)["Items"]
    return {item["id"]["S"] for item in items}


def test_the_program_stores_each_open_once_in_dynamodb(
    strict_aws: EmbeddedAws, tmp_path: Path
) -> None:
    aws = strict_aws
    topic = new_topic(aws, "program")
    queue = deploy(aws, "program-queue", queue_template(), OpensTopicArn=topic.arn)
    deploy(aws, "program-table", recipe("In DynamoDB", "yaml")[0])
    save_consumer(tmp_path, "In DynamoDB")
    command = [sys.executable, "consume.py", queue["QueueUrl"]]
    topic.publish()
    with running(command, tmp_path, aws.environment | {"TABLE": "opens"}):
        wait_until_processed(aws, queue["QueueUrl"])
    assert stored_ids(aws, "opens") == topic.ids


def test_the_program_stores_each_open_once_in_postgres(
    strict_aws: EmbeddedAws, tmp_path: Path
) -> None:
    aws = strict_aws
    topic = new_topic(aws, "postgres")
    queue = deploy(aws, "postgres-queue", queue_template(), OpensTopicArn=topic.arn)
    save_consumer(tmp_path, "In Postgres")
    python = [*uv_tool_run(), "--from", PSYCOPG, "--with", "boto3", "python"]
    topic.publish()
    with postgres() as url:
        environment = aws.environment | {"DATABASE_URL": url}
        run_sql(url, recipe("In Postgres", "sql")[0])
        with running([*python, "consume.py", queue["QueueUrl"]], tmp_path, environment):
            wait_until_processed(aws, queue["QueueUrl"])
        assert run_sql(url, "SELECT id FROM opens") == sorted(topic.ids)


def run_sql(url: str, statement: str) -> list[str]:
    """Run a statement in Postgres; return its rows as text, sorted."""
    psql = [*uv_tool_run(), "--from", POSTGRES, "psql", "-qAt", url, "-c", statement]
    return sorted(subprocess.run(psql, check=True, capture_output=True, text=True).stdout.split())


def test_the_function_stores_each_open_once(strict_aws: EmbeddedAws) -> None:
    aws = strict_aws
    topic = new_topic(aws, "function")
    queue = deploy(aws, "function-queue", queue_template(), OpensTopicArn=topic.arn)
    table = recipe("In DynamoDB", "yaml")[0].replace("TableName: opens", "TableName: of-function")
    deploy(aws, "function-table", table)
    template = recipe("A Lambda function", "yaml")[0]
    parameters = {"QueueArn": queue["QueueArn"], "TableName": "of-function"}
    deploy(aws, "function", template, **parameters)
    topic.publish()
    wait_until_processed(aws, queue["QueueUrl"])
    assert stored_ids(aws, "of-function") == topic.ids


def test_the_crm_receives_every_open_under_its_id(strict_aws: EmbeddedAws) -> None:
    aws = strict_aws
    topic = new_topic(aws, "crm")
    queue = deploy(aws, "crm-queue", queue_template(), OpensTopicArn=topic.arn)
    aws.client("ssm").put_parameter(Name="crm-token", Type="SecureString", Value=TOKEN)
    with Crm(TOKEN) as crm:
        template = recipe("A CRM over HTTPS", "yaml")[0]
        deploy(aws, "crm", template, QueueArn=queue["QueueArn"], CrmUrl=crm.url)
        topic.publish()
        wait_until_processed(aws, queue["QueueUrl"])
    assert crm.keys == topic.ids
