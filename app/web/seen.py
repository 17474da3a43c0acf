"""How long payers really wait: browsers report when a state of theirs is on the screen."""

from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel
from quart import Blueprint
from quart_schema import validate_request

from app.accounts.login import Login
from app.errors import InvalidRequest, NotLoggedIn
from app.http.openapi import answers, refuses
from app.metrics.metrics import LATENCY_SECONDS, Metrics

WAIT_SECONDS_MAX = LATENCY_SECONDS[-1]
CLOCKS_DIFFER_SECONDS_MAX = 1.0  # that of the database and ours


class Seen(BaseModel):
    """`recorded_at`: of the frame that has been painted, as it came."""

    recorded_at: AwareDatetime


def create_seen_blueprint(login: Login, metrics: Metrics) -> Blueprint:
    """Takes one time and nothing of a payer; reads no database."""
    blueprint = Blueprint("seen", __name__)

    @blueprint.post("/api/topup/seen")
    @validate_request(Seen)
    @answers(None, 204)
    @refuses(InvalidRequest, NotLoggedIn)
    async def seen(data: Seen) -> tuple[str, int]:
        """A browser has painted a state that came live. Refuses what cannot be a wait."""
        login.session_hash()
        wait_seconds = (datetime.now(UTC) - data.recorded_at).total_seconds()
        if not -CLOCKS_DIFFER_SECONDS_MAX <= wait_seconds <= WAIT_SECONDS_MAX:
            fault = f"must be at most {WAIT_SECONDS_MAX:.0f} seconds ago"
            raise InvalidRequest("That is no wait.", {"recorded_at": fault})
        metrics.commit_to_screen_seconds.observe(max(wait_seconds, 0.0))
        return "", 204

    return blueprint
