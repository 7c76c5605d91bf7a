"""Values of the template as CloudFormation computes them from parameters."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.integration.template import Template, read_template


def rendered(value: Any, **parameters: Any) -> Any:
    """Resolve the intrinsic functions in a value; other parameters have their defaults."""
    template = read_template()
    defaults = {name: each["Default"] for name, each in template["Parameters"].items()}
    return _Rendering(template, defaults | parameters).of(value)


@dataclass(frozen=True, slots=True)
class _Rendering:
    template: Template
    values: Mapping[str, Any]

    def of(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.of(each) for each in value]
        if not isinstance(value, dict):
            return value
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": lambda name: self.values[name],
            "Fn::If": lambda args: self.of(args[1] if self.condition(args[0]) else args[2]),
            "Fn::Equals": lambda args: self.of(args[0]) == self.of(args[1]),
            "Fn::Not": lambda args: not self.of(args[0]),
            "Fn::Join": lambda args: args[0].join(self.of(args[1])),
            "Fn::Split": lambda args: self.of(args[1]).split(args[0]),
            "Fn::Sub": self.text,
        }
        for name, argument in value.items():
            if name in functions:
                return functions[name](argument)
        return {name: self.of(each) for name, each in value.items()}

    def condition(self, name: str) -> bool:
        return bool(self.of(self.template["Conditions"][name]))

    def text(self, argument: Any) -> str:
        text, named = (argument, {}) if isinstance(argument, str) else argument
        values = {**self.values, **{name: self.of(each) for name, each in named.items()}}
        return re.sub(r"\$\{(\w+)\}", lambda found: str(values[found[1]]), text)
