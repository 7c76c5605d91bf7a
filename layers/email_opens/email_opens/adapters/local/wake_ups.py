"""Wake-ups in a process that takes the turns itself, and waits for them."""

from msgspec import Struct


class NextWakeUp(Struct):
    """Implements `email_opens.ports.WakeUps`: it keeps what was last asked for."""

    token: str | None = None
    """None: no wake-up was asked for."""
    seconds: int = 0

    def ask(self, account_id: str, *, token: str, seconds: int) -> None:
        del account_id  # A process works on one account.
        self.token, self.seconds = token, seconds
