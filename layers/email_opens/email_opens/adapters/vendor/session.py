"""A session of `requests` to the vendor: its time-out limits the whole exchange.

It reads neither the environment nor a `.netrc`: the network's settings are passed in, and nothing
may replace the Authorization header.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Timeout

from email_opens.adapters.vendor.connections import POOLS
from email_opens.config.network import Network
from email_opens.errors import InvalidSettings


class Session(requests.Session):
    """Sends requests to the vendor; each must have a `timeout` in seconds.

    Requests over https go through the network's proxy, if there is one, in a tunnel: the proxy
    sees the name of the host only. Those over http stay on this machine.
    """

    def __init__(self, network: Network | None = None) -> None:
        """Make a session.

        Raises:
            InvalidSettings: the network's certificates cannot be read.
        """
        super().__init__()
        network = network or Network()
        self.trust_env = False
        if network.certificates is not None:
            _check_certificates(network.certificates)
            self.verify = network.certificates
        self.mount("http://", _Adapter(Network()))
        self.mount("https://", _Adapter(network))


class _Adapter(HTTPAdapter):
    def __init__(self, network: Network) -> None:
        self._network = network
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Send a request; a session of `requests` passes every option by its name."""
        proxy = self._network.proxy_of(urlsplit(f"{request.url}").netloc)
        options["timeout"] = Timeout(total=options["timeout"])
        options["proxies"] = {"https": proxy} if proxy else {}
        return super().send(request, **options)


def _check_certificates(path: str) -> None:
    """Make sure that certificates can be read: `requests` would fail at each request.

    Raises:
        InvalidSettings: they cannot.
    """
    problem = "it holds no certificate"
    try:
        if Path(path).is_dir() or b"-----BEGIN" in Path(path).read_bytes():
            return
    except OSError as error:
        problem = f"{error.strerror}"
    raise InvalidSettings(
        f"The certificates {path} cannot be used ({problem}): set SSL_CERT_FILE or "
        "REQUESTS_CA_BUNDLE to a file of CA certificates in PEM format, or to nothing."
    )
