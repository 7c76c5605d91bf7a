"""The vendor's own id of an account: two consents with the same id are of the same account."""

import re
from datetime import datetime
from http import HTTPStatus

from email_opens.adapters.retry import Retries
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.replies.reply import Reply
from email_opens.errors import ReportUnavailable
from email_opens.ports import Clock

SUMMARY = "/v3/account/summary"
SCOPE = "account_read"

_ID = re.compile(r"[A-Za-z0-9_.=-]{1,64}")


def vendor_account_id(api: VendorApi, clock: Clock, before: datetime) -> str:
    """Return the vendor's own id of the account whose tokens `api` uses.

    Raises:
        ReportUnavailable: the vendor did not name it; the message says why.
        OutOfTime: `before` or the budget leaves no request.
        AccountStopped: the account has no access token.
    """
    retries = Retries(clock, before)
    while True:
        seconds = None
        try:
            reply = api.reply(SUMMARY, before)
        except ReportUnavailable as error:
            failure = error
        else:
            found = _id(reply)
            if found is not None:
                return found
            failure = _failure(reply)
            if reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise failure
            seconds = reply.retry_after_seconds(clock.now())
        retries.wait(failure, seconds)


def _id(reply: Reply) -> str | None:
    content = reply.json()
    if reply.status != HTTPStatus.OK or not isinstance(content, dict):
        return None
    found = content.get("encoded_account_id")
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


def _failure(reply: Reply) -> ReportUnavailable:
    if reply.status == HTTPStatus.FORBIDDEN:
        return ReportUnavailable(
            f"The vendor forbids reading the account's summary, because the consent lacks the "
            f"scope {SCOPE}: add it to the application's scopes, then run the command again"
            f"{reply.traces()}."
        )
    key = reply.error_key("error_key")
    return ReportUnavailable(
        f"The vendor answered {reply.status}{f' {key}' if key else ''} without the account's id"
        f"{reply.traces()}."
    )
