"""An AWS that enforces policies, as the real one does."""

from collections.abc import Iterator

import pytest

from embedded_aws import EmbeddedAws


@pytest.fixture(scope="session")
def strict_aws() -> Iterator[EmbeddedAws]:
    """An emulated AWS that allows what the policies of the recipes allow, and nothing else."""
    with EmbeddedAws(settings={"AUTH": "true"}) as aws:
        yield aws
