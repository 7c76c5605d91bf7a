"""How long a turn lasts in Lambda: waits that are assumed, and CPU time that was measured.

A function has a share of a processor in proportion to its memory, so CPU time lasts longer with
less memory, and waits do not.
"""

from dataclasses import dataclass

VCPU_MB = 1769
"""The memory at which Lambda allots one whole vCPU."""

# Assumed waits, in seconds.
VENDOR_REQUEST = 0.25
DYNAMODB_CALL = 0.005
SNS_BATCH = 0.020
SNS_AT_ONCE = 4
"""Batches that the publisher sends at the same time."""
SSM_CALL = 0.020
SQS_CALL = 0.010

# CPU time of one vCPU in milliseconds: as `python -m bench.cost.cpu` measures it, rounded up for
# sockets, TLS and Lambda's runtime, which it leaves out.
CPU_TURN = 2.0
"""The handler, its log line and metrics, without calls."""
CPU_CALL = 1.0
"""A call of DynamoDB, SSM or SQS, through botocore."""
CPU_ACTIVITY = 0.05
"""An activity that a turn loads."""
CPU_PAGE = 12.0
"""A reply of 500 rows: received, decoded and compared."""
CPU_BATCH = 5.5
"""A batch of ten opens: compared, published and recorded."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function's size, from the template."""

    memory_mb: int

    @property
    def gb(self) -> float:
        return self.memory_mb / 1024

    def seconds(self, cpu_milliseconds: float) -> float:
        """Return how long CPU time takes with this memory."""
        return cpu_milliseconds / 1000 * max(1.0, VCPU_MB / self.memory_mb)
