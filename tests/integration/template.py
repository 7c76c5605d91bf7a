"""The template as data, with CloudFormation's tags in their JSON form."""

from typing import Any

import yaml

from tests.integration.deployment import ROOT

type Template = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Reads `!Ref`, `!GetAtt`, `!Sub` and the other intrinsic functions."""


def _intrinsic(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def read_template() -> Template:
    return parse_template((ROOT / "template.yaml").read_text())


def parse_template(text: str) -> Template:
    template: Template = yaml.load(text, _Loader)
    return template


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type, by logical name."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of a role's policies, also those that depend on a condition.

    `Action` is always a list.
    """
    every = [
        statement.get("Fn::If", [None, statement])[1]
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    return [{**statement, "Action": as_list(statement["Action"])} for statement in every]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
