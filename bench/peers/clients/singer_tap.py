"""The Singer SDK: a tap with one REST stream and a replication key.

Configured as the SDK's pages on incremental replication and pagination recommend: rows strictly
before the state's value are skipped, those of its instant are sent again, and `is_sorted` is False,
since the feed is newest first. As published taps of such feeds do, it stops at the first page whose
last row is older than the state. The output is the tap's own, JSON lines; the state of a run is
the last one in its output, as a Singer target or Meltano would keep it.
"""

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any, override

from requests import Response
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.helpers.types import Context
from singer_sdk.pagination import BaseHATEOASPaginator


class NextLinks(BaseHATEOASPaginator):
    """Follows next links down to the page that ends before the state."""

    def __init__(self, start: datetime | None) -> None:
        super().__init__()
        self._start = start

    @override
    def get_next_url(self, response: Response) -> str | None:
        page = response.json()
        rows = page["tracking_activities"]
        if self._start and rows and _created(rows[-1]) < self._start:
            return None
        return ((page.get("_links") or {}).get("next") or {}).get("href")


class Opens(RESTStream[Any]):
    """The report of opens of one campaign activity."""

    name = "opens"
    replication_key = "created_time"
    is_sorted = False
    records_jsonpath = "$.tracking_activities[*]"
    schema = th.PropertiesList(
        th.Property("contact_id", th.StringType),
        th.Property("campaign_activity_id", th.StringType),
        th.Property("tracking_activity_type", th.StringType),
        th.Property("email_address", th.StringType),
        th.Property("first_name", th.StringType),
        th.Property("last_name", th.StringType),
        th.Property("device_type", th.StringType),
        th.Property("created_time", th.DateTimeType),
    ).to_dict()

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["url"])

    @property
    @override
    def path(self) -> str:
        return str(self.config["report_path"])

    @property
    @override
    def authenticator(self) -> BearerTokenAuthenticator:
        return BearerTokenAuthenticator(token=self.config["access_token"])

    @override
    def get_new_paginator(self) -> NextLinks:
        return NextLinks(self.get_starting_timestamp(None))

    @override
    def get_url_params(self, context: Context | None, next_page_token: Any) -> Any:
        return next_page_token.query if next_page_token else {"limit": 500}

    @override
    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:
        start = self.get_starting_timestamp(context)
        for record in super().get_records(context):
            if start is None or _created(record) >= start:
                yield record


class TapOpens(Tap):
    """The tap."""

    name = "tap-opens"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("report_path", th.StringType, required=True),
        th.Property("access_token", th.StringType, required=True, secret=True),
    ).to_dict()

    @override
    def discover_streams(self) -> list[Opens]:
        return [Opens(self)]


def _created(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["created_time"])


if __name__ == "__main__":
    TapOpens.cli(["--config", "config.json", *sys.argv[1:]])
