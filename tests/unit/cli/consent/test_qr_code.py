"""The QR code of half-block characters, read back into modules."""

import segno

from email_opens_cli.consent.qr_code import QUIET_ZONE, qr_code

ADDRESS = "https://vendor.example/activate?user_code=ABCDEFGH"
DARK = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}


def test_it_has_the_modules_of_the_code() -> None:
    shown = qr_code(ADDRESS, 80)
    assert shown is not None
    modules = []
    for line in shown.plain.splitlines():
        upper, lower = zip(*(DARK[block] for block in line), strict=True)
        modules += [list(upper), list(lower)]
    code = segno.make_qr(ADDRESS, error="l", boost_error=False)
    expected = [[int(module) for module in row] for row in code.matrix_iter(border=QUIET_ZONE)]
    assert modules[: len(expected)] == expected


def test_it_is_none_if_it_is_too_wide() -> None:
    shown = qr_code(ADDRESS, 80)
    assert shown is not None
    width = len(shown.plain.splitlines()[0])
    assert (qr_code(ADDRESS, width) is None, qr_code(ADDRESS, width - 1) is None) == (False, True)


def test_an_address_as_long_as_the_vendors_fits_into_forty_columns() -> None:
    assert qr_code(f"{ADDRESS}{'x' * (78 - len(ADDRESS))}", 40) is not None
