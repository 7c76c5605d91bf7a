"""How requests over https leave this machine: a proxy, its exceptions, and trusted certificates."""

import re
from urllib.parse import urlsplit

from email_opens.confidential import Confidential

_PRINTABLE = re.compile(r"[!-~]+")


class Network(Confidential, frozen=True, kw_only=True):
    """The network of one machine."""

    proxy: str | None = None
    """The address of a proxy, which may hold a password; None: requests are sent directly."""
    not_proxied: str = ""
    """The hosts, separated by commas, that are reached directly, as NO_PROXY names them."""
    certificates: str | None = None
    """A file or a folder of CA certificates; None: those of certifi."""

    def proxy_of(self, host: str) -> str | None:
        """Return the proxy for requests to a host, which may have a port."""
        host = host.lower()
        name = host.partition(":")[0]
        for entry in map(str.strip, self.not_proxied.lower().split(",")):
            domain = entry.removeprefix("*").removeprefix(".")
            if entry == "*" or (domain and (domain in (host, name) or name.endswith(f".{domain}"))):
                return None
        return self.proxy


def proxy_address(text: str) -> str | None:
    """Return the address of an http proxy, which may have a user; None if the text is empty.

    Raises:
        ValueError: the text is not such an address; the message is the end of a sentence.
    """
    if not text:
        return None
    address = text if "://" in text else f"http://{text}"
    if not _is_proxy(address):
        raise ValueError("is malformed; it should be an address such as http://proxy.example:3128")
    return address


def _is_proxy(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    more = parts.path.strip("/") or parts.query or parts.fragment
    return bool(host and not more and parts.scheme == "http" and _PRINTABLE.fullmatch(address))
