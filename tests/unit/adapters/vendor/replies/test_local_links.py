"""Which links lead to the vendor's own API: only they are requested with the token."""

import pytest

from email_opens.adapters.vendor.replies.links import MOST_CHARACTERS, local
from email_opens.errors import PagingBroken

API = "https://api.example.com"
LINK = "/v3/x?next=a"
LONG = "/v3/" + "x" * (MOST_CHARACTERS - 4)


@pytest.mark.parametrize(
    "href",
    [
        LINK,
        f"{API}{LINK}",
        f"{API}:443{LINK}",
        f"HTTPS://API.example.com{LINK}",
    ],
)
def test_a_link_to_the_api_becomes_relative(href: str) -> None:
    assert local(href, API) == LINK
    assert local(href, f"{API}:443") == LINK


def test_a_link_has_any_port_of_the_api() -> None:
    assert local(f"{API}:8443{LINK}", f"{API}:8443") == LINK


def test_a_link_may_be_as_long_as_the_limit() -> None:
    assert local(LONG, API) == LONG


@pytest.mark.parametrize("href", ["", LONG + "x", "/v3/x y", "/v3/x?a\nb", "/v3/é", "/v3/x?a\\b"])
def test_a_malformed_link_is_refused(href: str) -> None:
    with pytest.raises(PagingBroken, match=r"^A next link is malformed\.$"):
        local(href, API)


@pytest.mark.parametrize(
    "href",
    [
        f"https://elsewhere.example{LINK}",
        f"//elsewhere.example{LINK}",
        f"//api.example.com{LINK}",
        f"https:{LINK}",
        f"http://api.example.com{LINK}",
        f"http://api.example.com:443{LINK}",
        f"{API}:8443{LINK}",
        f"{API}:99999{LINK}",
        f"https://ann@api.example.com{LINK}",
        f"https://@api.example.com{LINK}",
        f"https://[::1{LINK}",
        "/v2/x",
        "/v3/../x",
        "/v3/%2e%2e/x",
        "/v3//x",
        "/v3/%5Cx",
        "/v3/x#y",
    ],
)
def test_a_link_that_leads_outside_the_api_is_refused_without_a_cause(href: str) -> None:
    with pytest.raises(
        PagingBroken, match=r"^A next link leads outside the vendor's API\.$"
    ) as caught:
        local(href, API)
    assert caught.value.__context__ is None
