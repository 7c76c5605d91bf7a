"""The deployed function: the demo invokes it as its schedule does, and kills it once."""

import json
from datetime import datetime
from enum import Enum, auto
from math import ceil

from email_opens.ports import Tracking
from embedded_aws import EmbeddedAws, EmbeddedAwsFailed, Stack

TURN_SECONDS = 60
"""The longest turn that the template allows."""
_SHORT_TURN_SECONDS = 20
"""The longest turn until the function was killed, since its lease lasts as long: on a machine that
deploys the stack within this time. A slower one gets longer turns."""
_TIMED_OUT = "Task timed out"


class Ending(Enum):
    """How an invocation ended."""

    COMPLETED = auto()
    KILLED = auto()
    TIMED_OUT = auto()


class DeployedFunction:
    """The function of a stack, for one account."""

    def __init__(
        self,
        aws: EmbeddedAws,
        stack: Stack,
        tracking: Tracking,
        account_id: str,
        *,
        deployed_within_seconds: float,
    ) -> None:
        self._aws = aws
        self._lambda = aws.client("lambda")
        self._name = stack.outputs["PollOpensFunction"]
        self._tracking = tracking
        self._account_id = account_id
        self._killed = False
        short = max(_SHORT_TURN_SECONDS, ceil(deployed_within_seconds))
        self._set_longest_turn(min(TURN_SECONDS, short))

    def poll(self) -> Ending:
        """Invoke the function as its schedule does.

        Raises:
            EmbeddedAwsFailed: the function failed.
        """
        reply = self._lambda.invoke(
            FunctionName=self._name, Payload=json.dumps({"account_id": self._account_id})
        )
        result = json.loads(reply["Payload"].read())
        if "FunctionError" not in reply:
            return Ending.COMPLETED
        message = result.get("errorMessage", str(result))
        if self._killed:
            self._killed = False
            ending = Ending.KILLED
        elif message.startswith(_TIMED_OUT):
            ending = Ending.TIMED_OUT
        else:
            raise EmbeddedAwsFailed(f"The function failed: {message}")
        self._set_longest_turn(TURN_SECONDS)
        return ending

    def kill(self) -> bool:
        """Kill the process that runs the function; return whether there was one."""
        self._killed = True  # Before the function dies, or `poll` would take it for a failure.
        self._killed = self._aws.kill_function(self._name) > 0
        return self._killed

    def lease_until(self) -> datetime | None:
        """Return when the lease expires that a turn has not given back."""
        account = self._tracking.account(self._account_id)
        return account.lease_until if account else None

    def _set_longest_turn(self, seconds: int) -> None:
        self._lambda.update_function_configuration(FunctionName=self._name, Timeout=seconds)
