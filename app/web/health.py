"""Whether this process lives, and whether it may be sent traffic."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from quart import Blueprint

from app.http.openapi import answers
from app.representations import Liveness, Readiness

log = logging.getLogger(__name__)


def create_health_blueprint(checks: Callable[[], Awaitable[Mapping[str, bool]]]) -> Blueprint:
    """`checks` names what readiness depends on, and whether it holds."""
    blueprint = Blueprint("health", __name__)
    told = ""  # what was missing when somebody asked last

    @blueprint.get("/healthz")
    @answers(Liveness)
    async def live() -> Liveness:
        """200 as long as the event loop turns."""
        return {"status": "ok"}

    @blueprint.get("/readyz")
    @answers(Readiness)
    @answers(Readiness, 503)
    async def ready() -> tuple[Readiness, int]:
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
        if missing:
            return {"status": "unready", "checks": found}, 503
        return {"status": "ok", "checks": found}, 200

    return blueprint
