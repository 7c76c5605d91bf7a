"""An account that is watched: its metrics by the minute, and what the template's alarms say."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from email_opens.account import Tokens
from email_opens.config.stack import Monitoring
from email_opens.errors import InvalidSettings
from tests.core.setup import Core
from tests.fakes import MemoryCredentials
from tests.integration.deployment import ACCOUNT, SCHEDULED, STACK, Context, load
from tests.integration.rendering import rendered
from tests.integration.template import of_type, read_template
from tests.memory_campaigns import MemoryCampaigns
from tests.template_metrics import Metric, emitted, watched_by_alarms
from tests.unit.template.cloudwatch import MORE, goes_off, states

TEMPLATE = read_template()
ALARMS = {
    alarm["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-"): (name, alarm)
    for name, alarm in of_type(TEMPLATE, "AWS::CloudWatch::Alarm").items()
}
"""Each alarm by the last part of its name, with its logical name."""
WATCHED = watched_by_alarms(TEMPLATE)
_EVALUATED = {
    *("Period", "EvaluationPeriods", "DatapointsToAlarm", "Statistic", "ExtendedStatistic"),
    *("ComparisonOperator", "Threshold", "TreatMissingData", "ActionsEnabled"),
}


def metric_of(alarm: str) -> Metric:
    return WATCHED[ALARMS[alarm][0]]


@dataclass(slots=True)
class Watched:
    """The real handler and turns over ports in memory, and the metrics of each minute so far."""

    capsys: pytest.CaptureFixture[str]
    core: Core = field(default_factory=Core)
    app: ModuleType = field(default_factory=load)
    minutes: list[dict[Metric, list[float]]] = field(default_factory=list)
    invoked: bool = True
    """The schedule is enabled, and Lambda starts the function."""
    settings_fail: bool = False
    """The function finds a malformed setting, so that each invocation fails."""
    every: int = 1
    """The minutes between two turns."""
    stated: dict[str, float] = field(default_factory=dict)
    """What AWS measures in each minute of the metrics that no part of a test moves, by alarm."""
    _buried: int = 0

    def __post_init__(self) -> None:
        self.core.campaigns = MemoryCampaigns(self.core.clock)
        credentials = MemoryCredentials()
        credentials.store(ACCOUNT, Tokens(client_id="id", refresh_token="refresh"))
        product = SimpleNamespace(
            clock=self.core.clock,
            turns=self.core.turns(),
            tracking=self.core.tracking,
            credentials=credentials,
            wake_ups=None,
            settings=SimpleNamespace(
                monitoring=Monitoring.FULL, stack_name=STACK, account_id="default"
            ),
        )

        def email_opens() -> SimpleNamespace:
            if self.settings_fail:
                raise InvalidSettings("REQUESTS_PER_DAY is not a number.")
            return product

        vars(self.app)["email_opens"] = email_opens

    def troubles(self) -> dict[str, Exception]:
        """Return the errors of the searches' requests, to change."""
        assert self.core.campaigns
        return self.core.campaigns.troubles

    def play(self, minutes: int, each: Callable[[], None] = lambda: None) -> None:
        """Let minutes pass, with the turns that the schedule starts; do something in each."""
        clock = self.core.clock
        for _ in range(minutes):
            began = clock.now()
            each()
            values: dict[Metric, list[float]] = {
                metric_of(alarm): [value] for alarm, value in self.stated.items()
            }
            if self.invoked and len(self.minutes) % self.every == 0:
                self._invoke(values)
            buried = len(self.core.publisher.dead_letters)
            if buried > self._buried:
                values[metric_of("dead-letters")] = [float(buried - self._buried)]
                self._buried = buried
            self.minutes.append(values)
            clock.sleep(60 - (clock.now() - began).total_seconds())

    def _invoke(self, values: dict[Metric, list[float]]) -> None:
        """Invoke the handler; Lambda counts the errors, and CloudWatch reads the log."""
        errors = metric_of("function-errors")
        try:
            self.app.handler(SCHEDULED, Context())
        except InvalidSettings:
            values[errors] = [1.0]
        else:
            values[errors] = [0.0]
        for line in self.capsys.readouterr().out.splitlines():
            record = json.loads(line)
            for metric in emitted(record) if "_aws" in record else ():
                values.setdefault(metric, []).extend(record[metric.name])

    def in_alarm(self, *, more: int = MORE, **parameters: str) -> set[str]:
        """Return the alarms that notify now."""
        return {
            name
            for name, alarm in _that_notify(tuple(parameters.items())).items()
            if goes_off(alarm, self.values(name), more=more)
        }

    def rang(self, *, more: int = MORE, **parameters: str) -> set[str]:
        """Return the alarms that have notified in any minute so far."""
        return {
            name
            for name, alarm in _that_notify(tuple(parameters.items())).items()
            if any(states(alarm, self.values(name), more=more))
        }

    def values(self, alarm: str) -> list[list[float]]:
        metric = metric_of(alarm)
        return [minute.get(metric, []) for minute in self.minutes]


@cache
def _that_notify(parameters: tuple[tuple[str, str], ...]) -> dict[str, dict[str, Any]]:
    """Return the alarms whose actions are enabled with these parameters."""
    alarms = {
        name: {key: value for key, value in properties.items() if key in _EVALUATED}
        for name, (_, properties) in ALARMS.items()
    }
    resolved: dict[str, dict[str, Any]] = rendered(alarms, **dict(parameters))
    return {name: alarm for name, alarm in resolved.items() if alarm.get("ActionsEnabled", True)}
