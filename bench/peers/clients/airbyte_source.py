"""The Airbyte CDK: a declarative source with one data feed.

Configured as the schema of the low-code CDK recommends for an API that "does not allow filtering
and paginates the content from the most recent to the least recent": a `DatetimeBasedCursor` with
`is_data_feed`, which ends the paging and drops what is older than the state. The output is the
source's own, JSON lines of Airbyte's protocol; the state of a run is the last one in its output, as
the platform would keep it.
"""

import json
import sys
from pathlib import Path
from typing import Any

from airbyte_cdk.entrypoint import AirbyteEntrypoint, launch
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)

SCHEMA = {
    "type": "object",
    "properties": {
        name: {"type": ["null", "string"]}
        for name in (
            "contact_id",
            "campaign_activity_id",
            "tracking_activity_type",
            "email_address",
            "first_name",
            "last_name",
            "device_type",
            "created_time",
        )
    },
}
NEXT_LINK = "((response.get('_links') or {}).get('next') or {}).get('href')"
MANIFEST: dict[str, Any] = {
    "version": "7.39.1",
    "type": "DeclarativeSource",
    "spec": {
        "type": "Spec",
        "connection_specification": {
            "type": "object",
            "required": ["url", "report_path", "access_token"],
            "properties": {
                "url": {"type": "string"},
                "report_path": {"type": "string"},
                "access_token": {"type": "string", "airbyte_secret": True},
            },
        },
    },
    "check": {"type": "CheckStream", "stream_names": ["opens"]},
    "streams": [
        {
            "type": "DeclarativeStream",
            "name": "opens",
            "primary_key": [],
            "schema_loader": {"type": "InlineSchemaLoader", "schema": SCHEMA},
            "retriever": {
                "type": "SimpleRetriever",
                "requester": {
                    "type": "HttpRequester",
                    "url_base": "{{ config['url'] }}",
                    "path": "{{ config['report_path'] }}",
                    "http_method": "GET",
                    "authenticator": {
                        "type": "BearerAuthenticator",
                        "api_token": "{{ config['access_token'] }}",
                    },
                },
                "record_selector": {
                    "type": "RecordSelector",
                    "extractor": {"type": "DpathExtractor", "field_path": ["tracking_activities"]},
                },
                "paginator": {
                    "type": "DefaultPaginator",
                    "page_token_option": {"type": "RequestPath"},
                    "page_size_option": {
                        "type": "RequestOption",
                        "inject_into": "request_parameter",
                        "field_name": "limit",
                    },
                    "pagination_strategy": {
                        "type": "CursorPagination",
                        "page_size": 500,
                        "cursor_value": f"{{{{ config['url'] + {NEXT_LINK} }}}}",
                        "stop_condition": f"{{{{ not {NEXT_LINK} }}}}",
                    },
                },
            },
            "incremental_sync": {
                "type": "DatetimeBasedCursor",
                "cursor_field": "created_time",
                "is_data_feed": True,
                "start_datetime": "1970-01-01T00:00:00.000Z",
                "datetime_format": "%Y-%m-%dT%H:%M:%S.%_msZ",
                "cursor_datetime_formats": ["%Y-%m-%dT%H:%M:%S.%_msZ"],
            },
        }
    ],
}
CATALOG = {
    "streams": [
        {
            "stream": {
                "name": "opens",
                "json_schema": SCHEMA,
                "supported_sync_modes": ["full_refresh", "incremental"],
            },
            "sync_mode": "incremental",
            "cursor_field": ["created_time"],
            "destination_sync_mode": "append",
        }
    ]
}


def main() -> None:
    Path("catalog.json").write_text(json.dumps(CATALOG), encoding="utf-8")
    arguments = ["read", "--config", "config.json", "--catalog", "catalog.json", *sys.argv[1:]]
    state = AirbyteEntrypoint.extract_state(arguments)
    source = ConcurrentDeclarativeSource(
        catalog=ConcurrentDeclarativeSource.read_catalog("catalog.json"),
        config=ConcurrentDeclarativeSource.read_config("config.json"),
        state=ConcurrentDeclarativeSource.read_state(state) if state else [],
        source_config=MANIFEST,
    )
    launch(source, arguments)


if __name__ == "__main__":
    main()
