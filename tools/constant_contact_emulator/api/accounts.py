"""The account's summary and its user's privileges, under `/v3/account`."""

from constant_contact_emulator import replies
from constant_contact_emulator.api.context import RequestContext
from constant_contact_emulator.messages import Reply

_METRICS = {"privilege_id": 61, "privilege_name": "ui:campaign:metrics"}


def account_summary(context: RequestContext) -> Reply:
    if "account_read" not in context.grant.scope.split():
        return replies.forbidden()
    account_id = context.grant.account_id
    summary = {
        "encoded_account_id": f"a07e{account_id}",
        "organization_name": f"Example Organization ({account_id})",
        "contact_email": "owner@example.com",
        "first_name": "Olga",
        "last_name": "Owner",
        "country_code": "US",
        "time_zone_id": "US/Eastern",
    }
    return Reply(payload=summary)


def privileges(context: RequestContext) -> Reply:
    """Answer with the user's privileges; no scope is needed."""
    listed = [{"privilege_id": 30, "privilege_name": "campaign:create"}]
    if context.world.behaviour.privileged:
        listed.append(_METRICS)
    return Reply(payload=listed)
