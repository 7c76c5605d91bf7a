"""A watch with an emulated vendor."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from constant_contact_emulator import Emulator, Limits
from tests.unit.cli.watch.watcher import Watcher


@pytest.fixture
def watcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Watcher]:
    with Emulator(limits=Limits.off()) as vendor:
        monkeypatch.setenv("CONSTANT_CONTACT_API_URL", vendor.url)
        monkeypatch.setenv("CONSTANT_CONTACT_AUTH_URL", vendor.auth_url)
        monkeypatch.setenv("REQUESTS_PER_SECOND", "1000")
        yield Watcher(tmp_path, vendor, capfd)


@pytest.fixture
def connected(watcher: Watcher) -> Watcher:
    watcher.connect()
    return watcher
