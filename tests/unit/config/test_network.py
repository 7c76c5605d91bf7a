"""Which hosts are reached through the proxy."""

import pytest

from email_opens.config.network import Network

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("not_proxied", "host"),
    [
        ("*", "api.example"),
        ("api.example", "api.example"),
        ("api.example", "API.example:443"),
        ("other.example, .example", "api.example"),
        ("example", "api.example"),
        ("*.example", "api.example"),
        ("api.example:8443", "api.example:8443"),
        ("127.0.0.1", "127.0.0.1:80"),
    ],
)
def test_a_host_of_no_proxy_is_reached_directly(not_proxied: str, host: str) -> None:
    assert Network(proxy=PROXY, not_proxied=not_proxied).proxy_of(host) is None


@pytest.mark.parametrize(
    ("not_proxied", "host"),
    [
        ("", "api.example"),
        (",", "api.example"),
        (" . , *. ", "api.example"),
        ("pi.example", "api.example"),
        ("api.example:8443", "api.example:443"),
        ("api.example.org", "api.example"),
    ],
)
def test_every_other_host_is_reached_through_the_proxy(not_proxied: str, host: str) -> None:
    assert Network(proxy=PROXY, not_proxied=not_proxied).proxy_of(host) == PROXY


def test_without_a_proxy_every_host_is_reached_directly() -> None:
    assert Network().proxy_of("api.example") is None
