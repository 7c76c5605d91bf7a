"""An AWS on this machine (MiniStack) that runs the real stack: for demo, end-to-end tests, screens.

    with EmbeddedAws() as aws:
        built = aws.build(folder)
        with aws.deployed(built, "demo", {"ConstantContactApiUrl": emulator.url}) as stack:
            stack.outputs["OpensTopicArn"]

It needs no AWS account or keys, and neither reads nor changes the user's own AWS settings.
"""

from embedded_aws.errors import EmbeddedAwsFailed
from embedded_aws.ministack import EmbeddedAws, Stack
from embedded_aws.sam import build, host_architecture
from embedded_aws.uv import CLONE

__all__ = ["CLONE", "EmbeddedAws", "EmbeddedAwsFailed", "Stack", "build", "host_architecture"]
