"""The opens report, under `/v3/reports/email_reports`."""

from constant_contact_emulator import replies
from constant_contact_emulator.api.context import RequestContext
from constant_contact_emulator.api.paging import MAX_LIMIT, BadLink, Position
from constant_contact_emulator.messages import Reply


def opens(context: RequestContext, activity_id: str) -> Reply:
    if context.activity(activity_id) is None:
        return replies.not_found()
    try:
        if "next" in context.request.query:
            position = Position.from_link(context.request.query["next"])
        else:
            limit = context.limit(MAX_LIMIT)
            if limit is None:
                return replies.invalid("limit must be between 1 and 500")
            position = Position(limit)
        return Reply(payload=context.pages.page(activity_id, position))
    except BadLink:
        return replies.of_status(context.world.behaviour.expired_link_status)
