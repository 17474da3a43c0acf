"""Whether this process lives, and whether it may be sent traffic."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from quart import Blueprint

log = logging.getLogger(__name__)


def create_health_blueprint(checks: Callable[[], Awaitable[Mapping[str, bool]]]) -> Blueprint:
    """`checks` names what readiness depends on, and whether it holds."""
    blueprint = Blueprint("health", __name__)
    told = ""  # what was missing when somebody asked last

    @blueprint.get("/healthz")
    async def live() -> dict[str, str]:
        """200 as long as the event loop turns."""
        return {"status": "ok"}

    @blueprint.get("/readyz")
    async def ready() -> tuple[dict[str, object], int]:
        """503 while anything that a request needs is missing."""
        nonlocal told
        found = dict(await checks())
        missing = ",".join(name for name, good in found.items() if not good)
        if missing != told:
            told = missing
            if missing:
                log.warning("event=readiness.lost reason=%s", missing)
            else:
                log.info("event=readiness.regained")
        status, code = ("unready", 503) if missing else ("ok", 200)
        return {"status": status, "checks": found}, code

    return blueprint
