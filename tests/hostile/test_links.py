"""Next links that would send the bearer token to another host."""

from urllib.parse import unquote, urlsplit

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from email_opens.adapters.vendor.replies.links import MOST_CHARACTERS, local
from email_opens.errors import PagingBroken
from tests.hostile.operations import growth
from tests.hostile.values import ADDRESS, MEGABYTE, SECRET, leaked, refusal, texts

API_URL = "https://api.cc.email"
ORIGINS = ["https:", "http:", "javascript:", "//", "api.cc.email", "evil.example", "@", ":"]
PATHS = ["/v3/", "/", "..", "%2e", "%2F", "%5c", "\\", ";", "%", "%00", "\t", "x", "?", "#"]
ODDITIES = ["443", "99999", "[", "]", "\u2100", "\uff0f", "\u3002", SECRET]
any_text = st.lists(st.sampled_from(ORIGINS + PATHS + ODDITIES), max_size=12).map("".join)
below = st.lists(st.sampled_from(PATHS), max_size=5).map("".join)
links = any_text | below.map("/v3/{}".format) | below.map(f"{API_URL}/v3/{{}}".format) | texts


@given(links)
@example("https://api.cc.email:443/v3/x")
@example("/v3/;@evil.example/x")
@example("/v3/x?next=https://evil.example/v3/")
@example("https://api.cc.email@evil.example/v3/x")
@example("https://api.cc.email\\@evil.example/v3/x")
def test_a_link_that_is_followed_leads_to_the_vendors_api(href: str) -> None:
    try:
        link = local(href, API_URL)
    except PagingBroken:
        return
    sent = urlsplit(requests.Request("GET", API_URL + link).prepare().url or "")
    assert (sent.scheme, sent.netloc) == ("https", "api.cc.email")
    assert sent.path.startswith("/v3/")
    assert ".." not in unquote(sent.path)


@given(links)
def test_a_link_that_was_followed_can_be_stored_and_followed_again(href: str) -> None:
    try:
        link = local(href, API_URL)
    except PagingBroken:
        return
    assert local(link, API_URL) == link


@given(links)
def test_the_error_of_a_refused_link_leaks_no_secret(href: str) -> None:
    assert leaked(refusal(PagingBroken, lambda: local(href, API_URL))) == []


@pytest.mark.parametrize("href", [f"/v3/x?next={SECRET}#x", f"https://{ADDRESS}/v3/x", "https://["])
def test_the_error_of_a_refused_link_contains_nothing_of_it(href: str) -> None:
    with pytest.raises(PagingBroken) as caught:
        local(href, API_URL)
    assert leaked(caught.value) == []


@pytest.mark.parametrize("filler", ["x", "%2e", "/", "?", "..", "é"])
def test_a_link_that_is_too_long_is_refused_without_being_parsed(filler: str) -> None:
    def refused(href: str) -> None:
        with pytest.raises(PagingBroken):
            local(href, API_URL)

    long = "/v3/" + filler * MOST_CHARACTERS
    assert growth(refused, long, long + filler * MEGABYTE) == 1
