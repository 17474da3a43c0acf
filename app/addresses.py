"""Requests whose target or Host cannot be parsed: `GET ?`, `GET http://[/`, `Host: a..b`.

Quart fails over them before it comes to its error handlers, with a 500 and with a traceback that
anybody can write into our log.
"""

from urllib.parse import urlsplit

from hypercorn.typing import WWWScope

NOWHERE = "/*"
"""A path that no route has."""


def lead_nowhere(scope: WWWScope) -> None:
    """Makes of such a request one for an address that does not exist; leaves others alone."""
    if not _can_be_parsed(scope):
        scope["path"], scope["headers"] = NOWHERE, []


def _can_be_parsed(scope: WWWScope) -> bool:
    try:
        urlsplit(scope["path"])
        for name, value in scope["headers"]:
            if name == b"host":
                value.decode("latin1").encode("idna")
    except ValueError:
        return False
    return scope["path"] != ""
