"""Addresses that others write: the target of a request, where to go after a login; and our own."""

import re
from urllib.parse import urlsplit

from hypercorn.typing import WWWScope

from app.model import TxRef

NOWHERE = "/*"
"""A path that no route has."""

HOST_BYTES_MAX = 255
"""Of a Host header: DNS knows no name of more than 253."""

LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def lead_nowhere(scope: WWWScope) -> None:
    """Makes of a request that cannot be parsed one for an address that does not exist.

    Quart fails over `GET ?`, `GET http://[/` or `Host: a..b` before it comes to its error
    handlers, with a 500 and with a traceback that anybody can write into our log.
    """
    if not _can_be_parsed(scope):
        scope["path"], scope["headers"] = NOWHERE, []


def local_path(text: str | None) -> str:
    """`text` when it is a path on this site, else the wallet: nobody is sent to another site."""
    return text if text is not None and LOCAL_PATH.fullmatch(text) else "/wallet"


def topup_page(site: str, tx_ref: TxRef) -> str:
    """Where a payer watches a top-up, and comes back to from PayOS. `site`: https://our-host."""
    return f"{site.rstrip('/')}/wallet/topup/{tx_ref}"


def _can_be_parsed(scope: WWWScope) -> bool:
    try:
        urlsplit(scope["path"])
        for name, value in scope["headers"]:
            if name == b"host":
                if len(value) > HOST_BYTES_MAX:
                    return False
                # Not latin1: to encode 60 KB of that takes the event loop a second.
                value.decode("ascii").encode("idna")
    except ValueError:
        return False
    return scope["path"] != ""
