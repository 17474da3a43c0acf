"""Whether napvi answers at an address, and the remedy when something else does."""

import threading

import pytest

from app.errors import WebhookNotConfirmed
from app.payos.remedies import remedy_of_status, remedy_of_text
from app.payos.webhook_probe import probe
from tests.elsewhere import elsewhere
from tests.payos.wire import CHECKSUM_KEY


async def complaint(url: str, patience_seconds: float = 10.0) -> str:
    with pytest.raises(WebhookNotConfirmed) as refused:
        await probe(url, CHECKSUM_KEY, patience_seconds)
    return str(refused.value)


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (301, [("Location", "https://shop.example/")], "redirect to https://shop.example/"),
        (302, [("Location", "https://team.cloudflareaccess.com/")], "Cloudflare Access"),
        (401, [], "asks for a login before napvi"),
        (403, [], "cross-site forms"),
        (419, [], "cross-site forms"),
        (404, [], "nothing is there (404)"),
        (405, [], "takes no POST (405)"),
        (502, [], "the proxy reaches it"),
        (200, [("Content-Type", "text/html")], "ngrok"),
        (200, [("Content-Type", "application/json")], "not napvi"),
        (418, [], "418 instead of 200"),
    ],
)
async def test_whoever_answers_in_place_of_napvi_is_told(
    status: int, headers: list[tuple[str, str]], told: str
) -> None:
    with elsewhere(status, *headers) as url:
        assert told in await complaint(url)


async def test_who_never_answers_is_told() -> None:
    with elsewhere(asleep=threading.Event()) as url:
        assert "no answer came in time" in await complaint(url, 0.2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("getaddrinfo ENOTFOUND shop.example", "host name"),
        ("timeout of 10000ms exceeded", "10 s"),
        ("connect ECONNREFUSED 127.0.0.1:443", "no connection"),
        ("unable to verify the first certificate", "certificate"),
        ("connect ETIMEDOUT 203.0.113.1:443", "10 s"),
        ("Hostname/IP does not match certificate's altnames: Host: a.example.", "certificate"),
        ("getaddrinfo ENOTFOUND ssl.shop.example", "host name"),
        ("write EPROTO 1:error:2:SSL routines:ssl3_get_record:wrong version number", "no TLS"),
        (
            "write EPROTO 1:error:2:SSL routines:tls_get_more_records:packet length too long",
            "no TLS",
        ),
        (
            "write EPROTO 1:error:2:SSL routines:ssl3_read_bytes:tlsv1 alert internal error",
            "certif",
        ),
    ],
)
def test_the_errors_of_payos_s_own_network_are_understood(text: str, told: str) -> None:
    """In the words of Node, which PayOS's sender is written in."""
    assert told in (remedy_of_text(text) or "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hostname mismatch, certificate is not valid for 'a.example'. (_ssl.c:1006)", "certif"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "no TLS"),
        ("[SSL: RECORD_LAYER_FAILURE] record layer failure (_ssl.c:1029)", "no TLS"),
        ("[Errno -3] Temporary failure in name resolution", "host name"),
        ("[Errno -5] No address associated with hostname", "host name"),
        ("[Errno -2] Name or service not known", "host name"),
        ("All connection attempts failed", "no connection"),
    ],
)
def test_the_errors_of_our_own_network_are_understood(text: str, told: str) -> None:
    assert told in (remedy_of_text(text) or "")


async def test_an_address_without_tls_is_told() -> None:
    with elsewhere(200) as url:
        assert "no TLS" in await complaint(url.replace("http:", "https:"))


def test_a_redirect_that_names_no_place_has_a_remedy() -> None:
    assert remedy_of_status(308).startswith("it answers with a redirect, and")
