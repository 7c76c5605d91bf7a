"""The paths of the V3 API that reading opens needs, each answered from the world."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from constant_contact_emulator import replies
from constant_contact_emulator.behaviour import TimeFormat, written
from constant_contact_emulator.limits import Limits
from constant_contact_emulator.paging import (
    MOST_ROWS,
    BadLink,
    Pages,
    Position,
    decoded,
    encoded,
)
from constant_contact_emulator.replies import Reply, Request
from constant_contact_emulator.tokens import Authorization, Grant
from constant_contact_emulator.world import Activity, Campaign, World

_MOST_CAMPAIGNS = 150
_MOST_ACTIVITIES = 10
_CAMPAIGNS_ON_A_PAGE = 50


@dataclass(slots=True)
class Api:
    world: World
    authorization: Authorization
    limits: Limits
    pages: Pages = field(init=False)

    def __post_init__(self) -> None:
        self.pages = Pages(self.world)

    def answer(self, request: Request) -> Reply:
        grant = self.authorization.bearer(request.headers.get("authorization"))
        if grant is None:
            return replies.unauthorized()
        refusal = self.limits.refuse(grant.client_id, self.world.clock())
        if refusal is not None:
            return refusal
        for pattern, answer in _ROUTES:
            found = pattern.fullmatch(request.path)
            if found and request.method == "GET":
                with self.world.lock:
                    return answer(self, grant, request, *found.groups())
        return replies.not_found()

    def opens(self, grant: Grant, request: Request, activity_id: str) -> Reply:
        if not self.world.behaviour.privileged:
            return replies.forbidden()
        if self._activity(grant, activity_id) is None:
            return replies.not_found()
        try:
            if "next" in request.query:
                position = Position.read(request.query["next"])
            else:
                limit = _limit(request, MOST_ROWS)
                if limit is None:
                    return replies.invalid("limit must be between 1 and 500")
                position = Position(limit)
            return Reply(payload=self.pages.page(activity_id, position))
        except BadLink:
            return replies.of_status(self.world.behaviour.expired_link_status)

    def campaign_stats(self, grant: Grant, _: Request, ids: str) -> Reply:
        if not self.world.behaviour.privileged:
            return replies.forbidden()
        wanted = ids.split(",")
        if len(wanted) > _MOST_CAMPAIGNS:
            return replies.invalid("no more than 150 campaign ids")
        campaigns = [self._campaign(grant, campaign_id) for campaign_id in wanted]
        if None in campaigns:
            return replies.not_found()
        results = [
            {
                "campaign_id": one.campaign_id,
                "stats": self._stats(one.activities),
                "last_refresh_time": _time(self._refreshed(one.activities)),
            }
            for one in campaigns
            if one is not None
        ]
        return Reply(payload={"results": results, "errors": []})

    def activity_stats(self, grant: Grant, _: Request, ids: str) -> Reply:
        if not self.world.behaviour.privileged:
            return replies.forbidden()
        wanted = ids.split(",")
        if len(wanted) > _MOST_ACTIVITIES:
            return replies.invalid("no more than 10 campaign activity ids")
        if not all(_is_uuid(one) for one in wanted):
            return replies.not_found()
        results, errors = [], []
        for activity_id in wanted:
            activity = self._activity(grant, activity_id)
            if activity is None:
                message = f"The campaign activity {activity_id} was not found."
                errors.append({"error_key": "not_found", "error_message": message})
                continue
            results.append(
                {
                    "campaign_id": activity.campaign_id,
                    "campaign_activity_id": activity_id,
                    "stats": self._stats([activity]),
                    "last_refresh_time": _time(self._refreshed([activity])),
                }
            )
        return Reply(payload={"results": results, "errors": errors})

    def summaries(self, grant: Grant, request: Request) -> Reply:
        if not self.world.behaviour.privileged:
            return replies.forbidden()
        sent = [one for one in self._campaigns(grant) if one.last_sent]
        sent.sort(key=lambda one: one.last_sent or datetime.min.replace(tzinfo=UTC), reverse=True)
        return self._listed(
            request, sent, self._summary, "bulk_email_campaign_summaries", "next", MOST_ROWS
        )

    def campaigns(self, grant: Grant, request: Request) -> Reply:
        try:
            after, before = (_instant(request, name) for name in ("after_date", "before_date"))
        except ValueError:
            return replies.invalid("a date is not ISO 8601")
        found = [
            one
            for one in self._campaigns(grant)
            if (after is None or one.updated_at >= after)
            and (before is None or one.updated_at <= before)
        ]
        found.sort(key=lambda one: one.updated_at, reverse=True)
        return self._listed(request, found, _described, "campaigns", "cursor", _CAMPAIGNS_ON_A_PAGE)

    def campaign(self, grant: Grant, _: Request, campaign_id: str) -> Reply:
        campaign = self._campaign(grant, campaign_id)
        if campaign is None:
            return replies.not_found()
        activities = [
            {"campaign_activity_id": one.campaign_activity_id, "role": one.role}
            for one in campaign.activities
        ]
        return Reply(payload=_described(campaign) | {"campaign_activities": activities})

    def activity(self, grant: Grant, _: Request, activity_id: str) -> Reply:
        activity = self._activity(grant, activity_id)
        if activity is None:
            return replies.not_found()
        campaign = self.world.campaigns[activity.campaign_id]
        described = {
            "campaign_activity_id": activity_id,
            "campaign_id": activity.campaign_id,
            "role": activity.role,
            "current_status": campaign.status.upper(),
            "format_type": 5,
            "from_email": "news@example.com",
            "from_name": "Example",
            "subject": campaign.name,
            "contact_list_ids": [],
            "segment_ids": [],
        }
        return Reply(payload=described)

    def send_history(self, grant: Grant, _: Request, activity_id: str) -> Reply:
        activity = self._activity(grant, activity_id)
        if activity is None:
            return replies.not_found()
        sends = [
            {
                "send_id": number,
                "count": contacts,
                "run_date": _time(when),
                "send_status": "COMPLETED",
                "reason_code": 0,
                "contact_list_ids": [],
            }
            for number, (when, contacts) in enumerate(activity.sent, 1)
        ]
        return Reply(payload=sends)

    def account(self, grant: Grant, _: Request) -> Reply:
        if "account_read" not in grant.scope.split():
            return replies.forbidden()
        summary = {
            "encoded_account_id": f"a07e{grant.account_id}",
            "organization_name": f"Example Organization ({grant.account_id})",
            "contact_email": "owner@example.com",
            "first_name": "Olga",
            "last_name": "Owner",
            "country_code": "US",
            "time_zone_id": "US/Eastern",
        }
        return Reply(payload=summary)

    def _listed(
        self,
        request: Request,
        found: list[Campaign],
        describe: Callable[[Campaign], dict[str, Any]],
        name: str,
        cursor: str,
        usual: int,
    ) -> Reply:
        limit, offset = _limit(request, usual), 0
        if cursor in request.query:
            try:
                at = decoded(request.query[cursor])
                limit, offset = int(at["limit"]), int(at["o"])
            except (BadLink, KeyError, ValueError):
                return replies.invalid(f"{cursor} is not valid")
        if limit is None:
            return replies.invalid("limit must be between 1 and 500")
        page = found[offset : offset + limit]
        reply: dict[str, Any] = {name: [describe(one) for one in page]}
        href = None
        if offset + limit < len(found):
            following = {cursor: encoded({"limit": limit, "o": offset + limit})}
            kept = {key: request.query[key] for key in _DATES if key in request.query}
            href = f"{request.path}?{urlencode(following | kept)}"
        self.pages.add_links(reply, href)
        return Reply(payload=reply)

    def _campaigns(self, grant: Grant) -> list[Campaign]:
        every = self.world.campaigns.values()
        return [one for one in every if one.account_id == grant.account_id]

    def _campaign(self, grant: Grant, campaign_id: str) -> Campaign | None:
        campaign = self.world.campaigns.get(campaign_id)
        return campaign if campaign and campaign.account_id == grant.account_id else None

    def _activity(self, grant: Grant, activity_id: str) -> Activity | None:
        activity = self.world.activities.get(activity_id)
        return activity if activity and self._campaign(grant, activity.campaign_id) else None

    def _stats(self, activities: Iterable[Activity]) -> dict[str, int]:
        total: dict[str, int] = {}
        for activity in activities:
            for name, count in self.world.counters(activity).items():
                total[name] = total.get(name, 0) + count
        return total

    def _refreshed(self, activities: Iterable[Activity]) -> datetime:
        now = self.world.clock()
        return min((one.counted_at or now for one in activities), default=now)

    def _summary(self, campaign: Campaign) -> dict[str, Any]:
        stats = self._stats(campaign.activities)
        names = ("sends", "opens", "clicks", "forwards", "optouts", "abuse", "bounces")
        return {
            "campaign_id": campaign.campaign_id,
            "campaign_type": "NEWSLETTER",
            "last_sent_date": campaign.last_sent and _time(campaign.last_sent),
            "unique_counts": {name: stats[f"em_{name}"] for name in names},
        }


_DATES = ("after_date", "before_date")
_ID = "([^/]+)"
_ROUTES: list[tuple[re.Pattern[str], Callable[..., Reply]]] = [
    (re.compile(f"/v3/reports/email_reports/{_ID}/tracking/opens"), Api.opens),
    (re.compile(f"/v3/reports/stats/email_campaigns/{_ID}"), Api.campaign_stats),
    (re.compile(f"/v3/reports/stats/email_campaign_activities/{_ID}"), Api.activity_stats),
    (re.compile("/v3/reports/summary_reports/email_campaign_summaries"), Api.summaries),
    (re.compile("/v3/emails"), Api.campaigns),
    (re.compile(f"/v3/emails/activities/{_ID}"), Api.activity),
    (re.compile(f"/v3/emails/activities/{_ID}/send_history"), Api.send_history),
    (re.compile(f"/v3/emails/{_ID}"), Api.campaign),
    (re.compile("/v3/account/summary"), Api.account),
]


def _described(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "current_status": campaign.status,
        "type": "NEWSLETTER",
        "type_code": 10,
        "created_at": _time(campaign.created_at),
        "updated_at": _time(campaign.updated_at),
    }


def _limit(request: Request, usual: int) -> int | None:
    text = request.query.get("limit")
    if text is None:
        return usual
    return int(text) if text.isdecimal() and 1 <= int(text) <= MOST_ROWS else None


def _instant(request: Request, name: str) -> datetime | None:
    text = request.query.get(name)
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _time(instant: datetime) -> str:
    return written(instant.astimezone(UTC), TimeFormat.MILLISECONDS)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
