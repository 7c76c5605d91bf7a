"""The account's summary and its user's privileges, under `/v3/account`."""

from constant_contact_emulator import replies
from constant_contact_emulator.api.context import RequestContext
from constant_contact_emulator.messages import Reply


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


def user_privileges(context: RequestContext) -> Reply:
    """Return the privileges of the user who consented; this needs no scope."""
    names = {30: "campaign:create", 31: "campaign:read"}
    if context.world.behaviour.privileged:
        names[61] = "ui:campaign:metrics"
    privileges = [{"privilege_id": key, "privilege_name": name} for key, name in names.items()]
    return Reply(payload=privileges)
