"""The list prices of AWS that all tables of costs use: on demand, without the free tier.

The units are counted; only what is listed here is charged. Deliveries from SNS to SQS and to
Lambda, standard parameters, TTL deletions and data that enters AWS cost nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

REGION = "us-east-1"
AS_OF = "November 2026"
HOURS_A_MONTH = 730
MONTH_SECONDS = HOURS_A_MONTH * 3600.0
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """A price in USD for a number of units."""

    usd: float
    units: int
    of: str
    """What the units are, in words."""

    def cost(self, quantity: float) -> float:
        return quantity * self.usd / self.units

    def __str__(self) -> str:
        number = "each" if self.units == 1 else f"{self.units:,}"
        return f"{self.usd:.4f}".rstrip("0").ljust(4, "0") + f" for {number} {self.of}"


LAMBDA_REQUESTS = "Lambda, requests"
LAMBDA_DURATION = "Lambda, duration"
SCHEDULER = "EventBridge Scheduler"
SNS = "SNS"
SQS = "SQS"
WRITES = "DynamoDB, writes"
READS = "DynamoDB, reads"
STORAGE = "DynamoDB, storage"
KMS = "KMS"
LOGS = "CloudWatch logs"
METRICS = "CloudWatch metrics"
ALARMS = "CloudWatch alarms"
DASHBOARD = "CloudWatch dashboard"
XRAY = "X-Ray"

PRICES: Mapping[str, Price] = {
    LAMBDA_REQUESTS: Price(0.20, MILLION, "requests"),
    LAMBDA_DURATION: Price(13.3334, MILLION, "GB-seconds (arm64)"),
    SCHEDULER: Price(1.00, MILLION, "invocations"),
    SQS: Price(0.40, MILLION, "requests"),
    SNS: Price(0.50, MILLION, "requests of 64 KB"),
    WRITES: Price(0.625, MILLION, "units of 1 KB"),
    READS: Price(0.125, MILLION, "units of 4 KB"),
    # 0.25 for the items and 0.20 for point-in-time recovery.
    STORAGE: Price(0.45, 1, "GB and month, with point-in-time recovery"),
    KMS: Price(0.03, 10_000, "requests"),
    LOGS: Price(0.50, 1, "GB"),
    METRICS: Price(0.30, 1, "metric"),
    ALARMS: Price(0.10, 1, "alarm"),
    DASHBOARD: Price(3.00, 1, "dashboard"),
    XRAY: Price(5.00, MILLION, "traces"),
}
"""By service line, in the order of the tables."""
