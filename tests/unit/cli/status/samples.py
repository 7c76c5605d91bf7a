"""An activity that has been polled, and a status that shows activities."""

from datetime import timedelta

from email_opens.account import Account
from email_opens.model import Gap
from email_opens_cli.commands.status.reading import Status
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, varied

POLLED = varied(
    ACTIVITY,
    watermark=NOON,
    polled_at=NOON - timedelta(seconds=90),
    gaps=(Gap(None, NOON, "/v3/next", rows_above=500),),
    published=990,
    rejected=3,
    reported=1000,
)

OTHER_ID = "a1b2c3d4-0000-4000-8000-000000000001"


def status(*activities: object, hours: tuple[int, ...] = ()) -> Status:
    return Status(
        account=Account(account_id="default"),
        activities=activities,  # type: ignore[arg-type]
        by_hour={key: list(hours) for key in (ACTIVITY_ID, OTHER_ID)},
        differences=dict.fromkeys((ACTIVITY_ID, OTHER_ID), -7),
        requests_per_day=10_000,
        requests_to_spend=9_000,
        now=NOON,
    )
