"""The error of a tool that this package runs."""

_TAIL_LINES = 12


class EmbeddedAwsFailed(Exception):
    """A tool failed; the message ends with the last lines that it printed."""

    def __init__(self, message: str, printed: str = "") -> None:
        lines = [line for line in printed.splitlines() if line.strip()][-_TAIL_LINES:]
        tail = " It printed:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
        super().__init__(message + tail)
