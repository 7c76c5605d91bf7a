from collections.abc import Iterator

import pytest

from constant_contact_emulator import Kind
from email_opens.errors import PagingBroken, ReportUnavailable
from tests.unit.adapters.vendor.sockets import ACTIVITY, Vendor, raw, read_stub, serving, stub

EMPTY = b'{"tracking_activities":[]}'


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def page_with_link(href: str) -> list[bytes]:
    body = b'{"tracking_activities":[],"_links":{"next":{"href":"%s"}}}'
    return raw(200, body % href.encode())


def test_a_report_is_read_page_by_page(vendor: Vendor) -> None:
    vendor.add_opens(5)
    report = vendor.report()
    link, opens = None, 0
    for _ in range(3):
        page = vendor.read(report, link=link, rows=2)
        assert page.link == link
        opens += len(page.opens)
        link = page.next_link
    assert (opens, link, report.requests) == (5, None, 3)


@pytest.mark.parametrize(
    "href",
    [
        "https://elsewhere.example/v3/x",
        "//elsewhere.example/v3/x",
        "/v2/x",
        "v3/x",
        "/v3/../x",
        "/v3/%2e%2e/x",
        "/v3//elsewhere.example",
        "/v3/x#y",
        "/v3/x y",
        "/v3/" + "x" * 5000,
        "http://[::1/v3/x",
        "http://127.0.0.1:99999/v3/x",
    ],
)
def test_a_link_that_leads_outside_the_api_is_refused(vendor: Vendor, href: str) -> None:
    with stub(page_with_link(href)) as server:
        page = read_stub(vendor, server)
    assert page.next_link is None
    assert page.astray


def test_a_stored_link_is_checked_like_a_new_one(vendor: Vendor) -> None:
    with pytest.raises(PagingBroken):
        vendor.read(link="https://elsewhere.example/v3/x")
    assert vendor.emulator.requests == []


OPENS = f"/v3/reports/email_reports/{ACTIVITY}/tracking/opens"


def test_an_absolute_link_to_the_same_host_becomes_relative(vendor: Vendor) -> None:
    with stub(raw(200, EMPTY)) as server:
        server.answer(page_with_link(f"{server.url}{OPENS}?next=a//b.."))
        assert read_stub(vendor, server).next_link == f"{OPENS}?next=a//b.."


@pytest.mark.parametrize(
    "href",
    [
        OPENS.replace("aa/", "ab/"),
        OPENS.replace("opens", "clicks"),
        f"{OPENS}/more",
        "/v3/emails",
        f"/v3/reports/email_reports/{ACTIVITY}",
    ],
)
def test_a_link_to_another_resource_is_not_the_end_of_the_report(vendor: Vendor, href: str) -> None:
    with stub(page_with_link(f"{href}?next=x")) as server:
        page = read_stub(vendor, server)
    assert (page.next_link, page.astray) == (None, "A next link leads to another resource.")
    with pytest.raises(PagingBroken, match="another resource"):
        vendor.read(link=f"{href}?next=x")
    assert vendor.emulator.requests == []


@pytest.mark.parametrize(
    "href", [OPENS.upper().replace("/V3/", "/v3/"), f"{OPENS}/", OPENS.replace("-", "%2D")]
)
def test_a_link_may_write_its_resource_in_another_way(vendor: Vendor, href: str) -> None:
    with stub(page_with_link(f"{href}?next=x")) as server:
        assert read_stub(vendor, server).next_link == f"{href}?next=x"


@pytest.mark.parametrize("of_link", [False, True])
def test_a_link_back_to_its_own_page_is_refused(vendor: Vendor, of_link: bool) -> None:
    vendor.add_opens(3)
    link = vendor.read(rows=1).next_link if of_link else None
    vendor.emulator.faults.add(Kind.LOOP_LINK)
    page = vendor.read(link=link)
    assert page.next_link is None
    assert page.astray == "A next link of the report leads back to its own page."


def test_a_page_with_a_refused_link_still_returns_its_rows(vendor: Vendor) -> None:
    vendor.add_opens(3)
    vendor.emulator.faults.add(Kind.FOREIGN_LINK)
    page = vendor.read()
    assert (len(page.opens), page.next_link is None, page.astray is None) == (3, True, False)


def test_a_redirect_is_not_followed(vendor: Vendor) -> None:
    redirect = raw(302, b"", f"Location: {vendor.emulator.url}/v3/x")
    with stub(redirect) as server, pytest.raises(ReportUnavailable, match="302"):
        read_stub(vendor, server)
    assert (len(server.requests), vendor.emulator.requests) == (1, [])
