"""The vendor's API: authorization, limits, and a function for each path."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from constant_contact_emulator import replies
from constant_contact_emulator.access.limits import Limits
from constant_contact_emulator.access.tokens import Authorization
from constant_contact_emulator.api import accounts, counters, emails, opens
from constant_contact_emulator.api.context import RequestContext
from constant_contact_emulator.api.paging import Pages
from constant_contact_emulator.messages import Reply, Request
from constant_contact_emulator.world.world import World


@dataclass(slots=True)
class Api:
    world: World
    authorization: Authorization
    limits: Limits
    pages: Pages = field(init=False)

    def __post_init__(self) -> None:
        self.pages = Pages(self.world)

    def answer(self, request: Request) -> Reply:
        """Answer a request under `/v3/`."""
        grant = self.authorization.bearer(request.headers.get("authorization"))
        if grant is None:
            return replies.unauthorized()
        refusal = self.limits.refuse(grant.client_id, self.world.clock())
        if refusal is not None:
            return refusal
        metrics = request.path.startswith("/v3/reports/")
        if metrics and not self.world.behaviour.privileged:
            return replies.forbidden()
        for pattern, answer in _ROUTES:
            match = pattern.fullmatch(request.path)
            if match and request.method == "GET":
                with self.world.lock:
                    self.world.send_scheduled()
                    context = RequestContext(self.world, self.pages, grant, request)
                    return answer(context, *match.groups())
        return replies.not_found()


_ID = "([^/]+)"
_ROUTES: list[tuple[re.Pattern[str], Callable[..., Reply]]] = [
    (re.compile(f"/v3/reports/email_reports/{_ID}/tracking/opens"), opens.opens),
    (re.compile(f"/v3/reports/stats/email_campaigns/{_ID}"), counters.campaign_stats),
    (re.compile(f"/v3/reports/stats/email_campaign_activities/{_ID}"), counters.activity_stats),
    (re.compile("/v3/reports/summary_reports/email_campaign_summaries"), counters.summaries),
    (re.compile("/v3/emails"), emails.campaigns),
    (re.compile(f"/v3/emails/activities/{_ID}"), emails.activity),
    (re.compile(f"/v3/emails/activities/{_ID}/send_history"), emails.send_history),
    (re.compile(f"/v3/emails/activities/{_ID}/schedules"), emails.schedules),
    (re.compile(f"/v3/emails/activities/{_ID}/non_opener_resends"), emails.non_opener_resends),
    (re.compile(f"/v3/emails/{_ID}"), emails.campaign),
    (re.compile("/v3/account/summary"), accounts.account_summary),
    (re.compile("/v3/account/user/privileges"), accounts.user_privileges),
]
