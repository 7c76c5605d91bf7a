"""The vendor in process: a world that answers requests without a network."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl

from constant_contact_emulator.access.limits import Limits
from constant_contact_emulator.access.tokens import DEFAULT_SCOPE, Authorization, Grant
from constant_contact_emulator.api.routes import Api
from constant_contact_emulator.messages import Ending, Reply, Request
from constant_contact_emulator.replies import not_found
from constant_contact_emulator.serving.faults import Fault, Faults, Kind
from constant_contact_emulator.world.behaviour import Behaviour
from constant_contact_emulator.world.clocks import Clock, system_clock
from constant_contact_emulator.world.world import DEFAULT_ACCOUNT, World

OAUTH = "/oauth2/default/v1"


class Logged(NamedTuple):
    """A request that was answered; status 0 is a dropped connection."""

    time: datetime
    method: str
    path: str
    """The path with its query."""
    status: int


class Vendor:
    """Answers requests from the accounts of a world.

    `limits` defaults to the vendor's; `Limits.off()` disables them. `hang` is called with the
    seconds for which a request hangs.
    """

    def __init__(
        self,
        *,
        clock: Clock = system_clock,
        seed: int = 1,
        behaviour: Behaviour | None = None,
        limits: Limits | None = None,
        rotating: bool = True,
        activate_url: str = "",
        hang: Callable[[float], object] = lambda _: None,
    ) -> None:
        self.world = World(clock, seed=seed, behaviour=behaviour)
        self.limits = limits or Limits()
        self.faults = Faults(clock)
        self.requests: list[Logged] = []
        self.authorization = Authorization(self.world, rotating=rotating, activate_url=activate_url)
        self._api = Api(self.world, self.authorization, self.limits)
        self._hang = hang

    def connect(
        self,
        account_id: str = DEFAULT_ACCOUNT,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        scope: str = DEFAULT_SCOPE,
    ) -> Grant:
        """Connect an account without HTTP; register its client if it is new."""
        key = client_id or f"{account_id}-key"
        if key not in self.authorization.clients:
            self.authorization.add_client(key, secret=client_secret, account_id=account_id)
        return self.authorization.issue(key, scope=scope)

    def credentials(self, account_id: str = DEFAULT_ACCOUNT, **options: str) -> dict[str, str]:
        """Connect an account and return the content of its credentials parameter."""
        grant = self.connect(account_id, **options)
        credentials = {
            "client_id": grant.client_id,
            "refresh_token": grant.refresh_token,
            "access_token": grant.access_token,
            "expires_at": grant.expires_at.isoformat().replace("+00:00", "Z"),
        }
        if grant.client_secret:
            credentials["client_secret"] = grant.client_secret
        return credentials

    def answer(self, request: Request) -> Reply:
        """Answer a request, after any hooks and faults, and log it."""
        fault = self.faults.take(request.method, request.target)
        reply = self._process(request, fault)
        status = 0 if reply.ending is Ending.DROPPED else reply.status
        self.requests.append(
            Logged(self.world.clock(), request.method, request.target, int(status))
        )
        return reply

    def _process(self, request: Request, fault: Fault | None) -> Reply:
        if fault is not None and fault.kind is Kind.HANG:
            self._hang(fault.seconds)
        self.world.run_hooks(request.method, request.target)
        replacement = fault.replacement() if fault else None
        if replacement is not None:
            return replacement
        reply = self._route(request)
        alterable = reply.status == HTTPStatus.OK and isinstance(reply.payload, dict)
        return fault.alter(request, reply) if fault and alterable else reply

    def _route(self, request: Request) -> Reply:
        if request.path.startswith("/v3/"):
            return self._api.answer(request)
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        match request.method, request.path.removeprefix(OAUTH):
            case "POST", "/token":
                client = form.get("client_id") or request.headers.get("authorization", "")
                refusal = self.limits.refuse_token(client, self.world.clock())
                return refusal or self.authorization.token(request, request.query | form)
            case "POST", "/device/authorize":
                return self.authorization.begin_device(request.query | form)
            case "GET", "/authorize":
                return self.authorization.authorize(request.query)
            case "GET", "/activate":
                return self._activate(request)
            case _:
                return not_found()

    def _activate(self, request: Request) -> Reply:
        try:
            self.authorization.approve(request.query.get("user_code", ""))
        except KeyError:
            return not_found()
        return Reply(payload=b"The account is connected.", media="text/plain")
