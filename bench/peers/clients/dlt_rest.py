"""dlt: its REST source with a cursor, into JSON lines by its filesystem destination.

Configured as dlt's page on cursor-based loading recommends for a feed that is newest first and
cannot be filtered: `row_order` is `desc`, which ends the paging below the last value, and rows are
appended, since they are events. That page gives the rows a primary key; these have none, so dlt
recognises those of the last value by a hash of the whole row, as it does by default. With `merge`,
dlt would append too: its filesystem destination merges only tables of Delta and Iceberg.
"""

import json
import os
from pathlib import Path

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION"] = "true"

import dlt
from dlt.destinations import filesystem
from dlt.sources.rest_api import RESTAPIConfig, rest_api_source


def main() -> None:
    config: dict[str, str] = json.loads(Path("config.json").read_text(encoding="utf-8"))
    source: RESTAPIConfig = {
        "client": {
            "base_url": config["url"],
            "auth": {"type": "bearer", "token": config["access_token"]},
            "paginator": {"type": "json_link", "next_url_path": "_links.next.href"},
        },
        "resources": [
            {
                "name": "opens",
                "write_disposition": "append",
                "endpoint": {
                    "path": config["report_path"],
                    "params": {"limit": 500},
                    "data_selector": "tracking_activities",
                    "incremental": {
                        "cursor_path": "created_time",
                        "initial_value": "1970-01-01T00:00:00.000Z",
                        "row_order": "desc",
                    },
                },
            }
        ],
    }
    pipeline = dlt.pipeline(
        "opens",
        pipelines_dir="pipelines",
        destination=filesystem(bucket_url=Path("loaded").resolve().as_uri()),
        dataset_name="constant_contact",
    )
    pipeline.run(rest_api_source(source), loader_file_format="jsonl")


if __name__ == "__main__":
    main()
