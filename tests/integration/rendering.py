"""Values of the template as CloudFormation computes them from parameters."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.integration.template import Template, of_type, read_template


def rendered(value: Any, **parameters: Any) -> Any:
    """Resolve the intrinsic functions in a value; other parameters have their defaults."""
    template = read_template()
    defaults = {name: each["Default"] for name, each in template["Parameters"].items()}
    return _Rendering(template, defaults | parameters).of(value)


def existing(kind: str, **parameters: Any) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of a type that these parameters create, by name."""
    template = read_template()
    defaults = {name: each["Default"] for name, each in template["Parameters"].items()}
    rendering = _Rendering(template, defaults | parameters)
    return {
        name: properties
        for name, properties in of_type(template, kind).items()
        if rendering.condition(template["Resources"][name].get("Condition"))
    }


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
            "Fn::Not": lambda args: not self.holds(args[0]),
            "Fn::And": lambda args: all(self.holds(each) for each in args),
            "Fn::Or": lambda args: any(self.holds(each) for each in args),
            "Fn::Join": lambda args: args[0].join(self.of(args[1])),
            "Fn::Split": lambda args: self.of(args[1]).split(args[0]),
            "Fn::Sub": self.text,
        }
        for name, argument in value.items():
            if name in functions:
                return functions[name](argument)
        return {name: self.of(each) for name, each in value.items()}

    def condition(self, name: str | None) -> bool:
        """Return whether a condition holds; None: there is no condition."""
        return name is None or self.holds(self.template["Conditions"][name])

    def holds(self, value: Any) -> bool:
        """Return whether an expression of a condition holds, which may name another one."""
        if value.keys() == {"Condition"}:
            return self.condition(value["Condition"])
        return bool(self.of(value))

    def text(self, argument: Any) -> str:
        text, named = (argument, {}) if isinstance(argument, str) else argument
        values = {**self.values, **{name: self.of(each) for name, each in named.items()}}
        return re.sub(r"\$\{([\w:]+)\}", lambda found: str(values[found[1]]), text)
