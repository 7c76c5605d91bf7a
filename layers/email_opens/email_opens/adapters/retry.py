"""How long to wait before a try that follows a failed one."""

import random

FIRST_SECONDS = 0.1
MOST_SECONDS = 5.0


def pause_seconds(failures: int) -> float:
    """Return a pause that doubles with each failure, less up to half of it by chance."""
    whole = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** (failures - 1))
    return whole * random.uniform(0.5, 1)  # noqa: S311 - it parts those who failed together
