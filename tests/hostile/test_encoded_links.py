"""Next links whose encoding hides what a server behind the API's gateway may decode."""

import pytest

from email_opens.adapters.vendor.replies.links import local
from email_opens.errors import PagingBroken

API_URL = "https://api.cc.email"


@pytest.mark.parametrize("origin", ["", API_URL], ids=["relative", "absolute"])
@pytest.mark.parametrize(
    "path",
    [
        "/v3/%5C%5Cevil.example/x",
        "/v3/%5c..%5cadmin",
        "/v3/x%5Cy",
        "/v3%5Cx",
        "/v3/%2e%2e/admin",
        "/v3/%2E./admin",
        "/v3/x/..%2fadmin",
        "/v3/%2F%2Fevil.example",
        "/v3/x%2f%2fy",
        "%2Fv3/../x",
    ],
)
def test_a_link_that_leads_outside_once_it_is_decoded_is_refused(origin: str, path: str) -> None:
    with pytest.raises(PagingBroken):
        local(origin + path, API_URL)


@pytest.mark.parametrize("path", ["/v3/x%20y?next=%5C..%2F", "/v3/x?next=a%2F%2Fb", "/v3/%C3%A9"])
def test_what_is_encoded_in_a_query_or_a_name_is_followed_unchanged(path: str) -> None:
    assert local(path, API_URL) == path
