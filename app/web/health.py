"""Whether this process lives, and whether it may be sent traffic."""

from collections.abc import Awaitable, Callable, Mapping

from quart import Blueprint


def create_health_blueprint(checks: Callable[[], Awaitable[Mapping[str, bool]]]) -> Blueprint:
    """`checks` names what readiness depends on, and whether it holds."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    async def live() -> dict[str, str]:
        """200 as long as the event loop turns."""
        return {"status": "ok"}

    @blueprint.get("/readyz")
    async def ready() -> tuple[dict[str, object], int]:
        """503 while anything that a request needs is missing."""
        found = dict(await checks())
        good = all(found.values())
        return {"status": "ok" if good else "unready", "checks": found}, 200 if good else 503

    return blueprint
