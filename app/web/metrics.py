"""What Prometheus scrapes. Not for the world: a proxy in front must not pass it on."""

import asyncio
from collections.abc import Awaitable, Callable

from quart import Blueprint, Response, request

from app.metrics.metrics import Metrics


def create_metrics_blueprint(metrics: Metrics, refresh: Callable[[], Awaitable[None]]) -> Blueprint:
    """`refresh` reads what only the database knows."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    async def scrape() -> Response:
        """Everything that is measured, of all worker processes, as Prometheus or OpenMetrics."""
        await refresh()
        accept = request.headers.get("Accept", "")
        text, content_type = await asyncio.to_thread(metrics.exposition, accept)
        return Response(text, content_type=content_type, headers={"Cache-Control": "no-store"})

    return blueprint
