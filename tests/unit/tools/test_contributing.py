"""The layers that CONTRIBUTING.md shows are those that import-linter checks."""

import re
import tomllib

from tests.integration.deployment import ROOT


def layers_of_the_page() -> list[set[str]]:
    """Return the names in the first column of the table of layers, from the top down."""
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("| layer | contains |")[2]
    rows = re.findall(r"^\| ([^|]+) \|", table, flags=re.MULTILINE)
    return [set(re.findall("`([a-z_]+)`", row)) for row in rows if "`" in row]


def layers_of_the_contract() -> list[set[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = [
        contract
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["email_opens"]
    ]
    return [set(layer.split(" | ")) for layer in contract["layers"]]


def test_the_table_of_layers_is_what_the_contract_says() -> None:
    above, *core = layers_of_the_page()
    assert above == {"functions", "tools"}
    assert core == layers_of_the_contract()
