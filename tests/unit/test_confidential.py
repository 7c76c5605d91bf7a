"""Values that no log and no traceback may show."""

from email_opens.confidential import Confidential


class Held(Confidential, frozen=True):
    token: str
    kept: tuple["Held", ...] = ()


def test_only_the_kind_of_a_confidential_value_is_shown() -> None:
    held = Held("top-secret", (Held("another-secret"),))
    assert repr(held) == str(held) == f"{held}" == "Held(…)"
    assert repr([held]) == "[Held(…)]"
