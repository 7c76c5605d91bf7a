"""The vendor within the process: it generates each reply on request, so a report can be long.

It replaces only the socket: `ConstantContactReport` with its pace and budget, requests' session,
JSON and `adapters.vendor.replies.rows` are the real ones.
"""

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from email_opens.account import Tokens
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.adapters.vendor.session import Session
from email_opens.allowance.budget import Budget
from email_opens.ports import Clock, Report
from tests.fakes import MemoryCredentials

ACTIVITY_ID = "5b1e0a52-0000-4000-8000-0000000000aa"
SENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
URL = "https://vendor.invalid"
PATH = f"/v3/reports/email_reports/{ACTIVITY_ID}/tracking/opens"
COUNTERS = "/v3/reports/stats/email_campaigns/"
REQUESTS_PER_SECOND = 4

MINUTE = timedelta(minutes=1)
DAYS = 60
_DECAY_HOURS = 3.0
_DECAY_POWER = 0.6

type Created = Callable[[int], datetime]
"""The instant of a row by its number; row 0 is the oldest."""


def steadily(rows_a_minute: int) -> Created:
    return lambda number: SENT + number // rows_a_minute * MINUTE


def decaying(rows: int) -> Created:
    """Spread rows over 60 days at the rate (1 + t/3h)^-1.6, with 16 % in the first hour."""
    whole = 1 - (1 + DAYS * 24 / _DECAY_HOURS) ** -_DECAY_POWER

    def created(number: int) -> datetime:
        share = number / rows * whole
        hours = _DECAY_HOURS * ((1 - share) ** (-1 / _DECAY_POWER) - 1)
        return SENT + int(hours * 60) * MINUTE

    return created


def contact_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number * 2654435761 % 2**48:012x}"


class Vendor(BaseAdapter):
    """One report, newest row first, paged by offset; `rows` may grow between requests."""

    def __init__(self, rows: int, created: Created) -> None:
        super().__init__()
        self.rows = rows
        self._created = created

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - as requests has it
        timeout: object = None,
        verify: object = True,  # noqa: FBT002 - as requests has it
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        del stream, timeout, verify, cert, proxies
        target = urlsplit(request.url or "")
        query = parse_qs(target.query)
        if target.path.startswith(COUNTERS):
            body = self.counters(target.path.removeprefix(COUNTERS).split(","))
        elif "next" in query:
            limit, offset = (int(part) for part in query["next"][0].split("."))
            body = self.body(limit, offset)
        else:
            body = self.body(int(query["limit"][0]), 0)
        response = requests.Response()
        response.status_code = 200
        response.raw = HTTPResponse(io.BytesIO(body), status=200, preload_content=False)
        return response

    def counters(self, campaign_ids: list[str]) -> bytes:
        """Return counters that equal the report's rows, as of its newest row."""
        newest = self._created(max(0, self.rows - 1))
        results = [
            {
                "campaign_id": campaign_id,
                "stats": {"em_opens_all": self.rows},
                "last_refresh_time": f"{newest:%Y-%m-%dT%H:%M}:00.000Z",
            }
            for campaign_id in campaign_ids
        ]
        return json.dumps({"results": results, "errors": []}).encode()

    def close(self) -> None:
        """Do nothing: there is no connection to close."""

    def body(self, limit: int, offset: int) -> bytes:
        end = min(offset + limit, self.rows)
        reply: dict[str, Any] = {
            "tracking_activities": [
                self._row(self.rows - 1 - place) for place in range(offset, end)
            ]
        }
        if end < self.rows:
            reply["_links"] = {"next": {"href": f"{PATH}?next={limit}.{end}"}}
        return json.dumps(reply).encode()

    def _row(self, number: int) -> dict[str, str]:
        return {
            "contact_id": contact_id(number),
            "campaign_activity_id": ACTIVITY_ID,
            "tracking_activity_type": "em_opens",
            "email_address": f"contact{number}@example.com",
            "first_name": "Bo",
            "last_name": "Lund",
            "device_type": ("mobile", "computer", "tablet")[number % 3],
            "created_time": f"{self._created(number):%Y-%m-%dT%H:%M}:00.000Z",
        }


def reports(vendor: Vendor, clock: Clock) -> Callable[[str, Budget], Report]:
    """Return the factory of a turn's report: the real adapter over the vendor."""
    session = Session()
    session.mount(URL, vendor)
    credentials = MemoryCredentials()
    credentials.tokens["default"] = Tokens(
        client_id="bench",
        refresh_token="none",
        access_token="valid",
        expires_at=SENT + timedelta(days=10_000),
    )

    def report(account_id: str, budget: Budget) -> Report:
        api = VendorApi(
            session,
            URL,
            TokenSource(account_id, credentials, session, URL, clock),
            clock,
            requests_per_second=REQUESTS_PER_SECOND,
            budget=budget,
        )
        return ConstantContactReport(api)

    return report
