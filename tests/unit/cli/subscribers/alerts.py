"""A stack with an alert, and what `subscribe --slack` leaves of it."""

import json

from tests.unit.cli.subscribers.subscribers import client
from tests.unit.cli.world import World, settings

URL = "https://hooks.example.com/services/T0/B0/secret"
STACK = "mine"
PARAMETER = "/email-opens-alerts/mine"
PARAMETERS = {
    "AccountId": "default",
    "AlertWebhook": "",
    "AlertOpens": "all",
    "AlertMaxDelaySeconds": "900",
    "AlertCampaigns": "",
    "FirstOpens": "ENABLED",
}


def make_stack(world: World, **parameters: str) -> None:
    """Create a stack of the product with these parameters."""
    outputs = {
        name.title().replace("_", ""): {"Value": value}
        for name, value in settings(world.aws, world.vendor).items()
    }
    template = {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": outputs,
    }
    client("cloudformation").create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
    )


def parameters() -> dict[str, str]:
    """Return the parameters of the stack."""
    (found,) = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return {each["ParameterKey"]: each["ParameterValue"] for each in found["Parameters"]}


def stored(world: World) -> str | None:
    """Return the URL in the parameter, which is encrypted; None: there is none."""
    names = world.aws.ssm.describe_parameters()["Parameters"]
    if not any(each["Name"] == PARAMETER for each in names):
        return None
    reply = world.aws.ssm.get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]
    assert reply["Type"] == "SecureString"
    return reply["Value"]
