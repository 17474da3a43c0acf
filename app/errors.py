"""Every error that napvi raises on purpose.

    NapviError
    ├── ConfigurationError       the start is refused: names the setting and the remedy
    ├── DataDirectoryError       the embedded PostgreSQL cannot use its directory
    ├── MigrationError           the schema files and the database do not fit
    ├── RebuildFailed            the projections could not be built from the log
    ├── ProofFailed              a proof of the books could not be run to its end
    ├── AssignmentRefused        money that waits for a person cannot go where the person said
    ├── DismissalRefused         a webhook that could not be read cannot be dismissed so
    ├── ExportRefused            rows could be missing from the export, or it has no place
    ├── CheckpointRefused        a checkpoint taken now would leave out what is old
    ├── CheckpointUnreadable     a file is no list of checkpoints
    ├── AskingStopped            PayOS answers nothing that a command still has to ask
    ├── WebhookNotConfirmed      PayOS would not, or could not, tell us of payments at an address
    └── Problem                  becomes an RFC 9457 problem document
        ├── InvalidRequest       400
        ├── InvalidSignature     401
        ├── NotLoggedIn          401
        ├── LoginRefused         401
        ├── CrossSiteRequest     403
        ├── NotFound             404
        ├── TopupNotFound        404
        ├── MethodNotAllowed     405
        ├── NotAcceptable        406
        ├── RequestTooSlow       408
        ├── UsernameTaken        409
        ├── IdempotencyInFlight  409
        ├── BodyTooLarge         413
        ├── WrongContentType     415
        ├── IdempotencyMismatch  422
        ├── TooManyGuesses       429
        ├── TooManyOpen          429
        ├── DatabaseUnavailable  503
        ├── TooBusy              503
        └── PayOSFailed          500  always as one of
            ├── PayOSRefused     502
            ├── PayOSUnavailable 503
            └── PayOSTimeout     504

`code` is stable: clients branch on it, docs/errors.md lists it.
"""

from collections.abc import Mapping
from typing import ClassVar


class NapviError(Exception):
    """Root of the tree."""


class ConfigurationError(NapviError):
    """A setting is missing or wrong. `setting` is its name in the environment."""

    def __init__(self, setting: str, complaint: str, remedy: str) -> None:
        super().__init__(f"{setting}: {complaint} {remedy}")
        self.setting = setting


class DataDirectoryError(NapviError):
    """The embedded PostgreSQL cannot use its data directory; the message holds the remedy."""


class MigrationError(NapviError):
    """The schema files and the database do not fit together; the message holds the remedy."""


class RebuildFailed(NapviError):
    """The projections could not be built from the log; nothing has changed."""


class ProofFailed(NapviError):
    """A proof could not be run to its end: nothing is known about the books."""


class AssignmentRefused(NapviError):
    """Money stays where it is; the message says why, for the person who wanted to assign it."""


class DismissalRefused(NapviError):
    """The webhook goes on waiting; the message says why, for the person who would dismiss it."""


class ExportRefused(NapviError):
    """Nothing complete was written; the message says why, and what to do."""


class CheckpointRefused(NapviError):
    """A checkpoint taken now would leave out what is older than it may be."""


class CheckpointUnreadable(NapviError):
    """A file that should hold checkpoints does not; the message names the line."""


class AskingStopped(NapviError):
    """PayOS answers nothing that a command still has to ask; the message holds the remedy."""


class WebhookNotConfirmed(NapviError):
    """PayOS does not know the address of the webhook; the message holds the remedy."""


class Problem(NapviError):
    """An answer that is not a success. `fields` maps a field of the request to its fault."""

    http_status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"
    retry_after_seconds: int | None = None

    def __init__(self, detail: str | None = None, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.fields = dict(fields or {})

    @classmethod
    def constants(cls) -> dict[str, object]:
        """The RFC 9457 members that every document of this kind has."""
        return {
            "type": f"urn:napvi:problem:{cls.code}",
            "title": cls.title,
            "status": cls.http_status,
            "code": cls.code,
        }

    def document(self) -> dict[str, object]:
        """The RFC 9457 members; `errors` names the fields at fault."""
        members: dict[str, object] = self.constants()
        if self.detail is not None:
            members["detail"] = self.detail
        if self.fields:
            members["errors"] = [
                {"field": name, "detail": fault} for name, fault in self.fields.items()
            ]
        return members


class InvalidRequest(Problem):
    http_status, code, title = 400, "invalid_request", "The request is not valid"


class InvalidSignature(Problem):
    http_status, code, title = 401, "invalid_signature", "The signature does not match"


class NotLoggedIn(Problem):
    http_status, code, title = 401, "not_logged_in", "Log in first"


class LoginRefused(Problem):
    http_status, code, title = 401, "login_refused", "Unknown username or wrong password"


class CrossSiteRequest(Problem):
    http_status, code, title = 403, "cross_site_request", "The request comes from another site"


class NotFound(Problem):
    http_status, code, title = 404, "not_found", "There is nothing at this address"


class TopupNotFound(Problem):
    http_status, code, title = 404, "topup_not_found", "There is no such top-up"


class MethodNotAllowed(Problem):
    http_status, code, title = 405, "method_not_allowed", "This address has no such method"


class NotAcceptable(Problem):
    http_status, code, title = 406, "not_acceptable", "This address only serves text/event-stream"


class RequestTooSlow(Problem):
    http_status, code, title = 408, "request_too_slow", "The request body did not come in time"


class UsernameTaken(Problem):
    http_status, code, title = 409, "username_taken", "This username is taken"


class IdempotencyInFlight(Problem):
    """A request with this key has not been answered yet; mostly PayOS needs a second."""

    http_status, code, title = 409, "idempotency_in_flight", "A request with this key is under way"
    retry_after_seconds = 2


class BodyTooLarge(Problem):
    http_status, code, title = 413, "body_too_large", "The request body is too large"


class WrongContentType(Problem):
    http_status, code, title = 415, "wrong_content_type", "The body must be application/json"


class IdempotencyMismatch(Problem):
    http_status, code, title = 422, "idempotency_mismatch", "This key was used with another body"


class TooManyGuesses(Problem):
    """Of a password; in `retry_after_seconds` the next may be tried."""

    http_status, code, title = 429, "too_many_guesses", "Too many wrong passwords; wait a moment"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class TooManyOpen(Problem):
    """The user has all the open top-ups it may have; in `retry_after_seconds` one has expired."""

    http_status, code, title = 429, "too_many_open", "Too many top-ups wait for their payment"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Pay or cancel one of them, or wait until one has expired.")
        self.retry_after_seconds = retry_after_seconds


class PayOSFailed(Problem):
    """A call to PayOS did not bring what it was made for."""


class PayOSRefused(PayOSFailed):
    """PayOS answered, but not with a payment link. Source: the business code of its envelope."""

    http_status, code, title = 502, "payos_refused", "PayOS did not accept the payment"


class DatabaseUnavailable(Problem):
    """Away, overrun, or held up by somebody's lock. The same request again does no harm."""

    http_status, code, title = 503, "database_unavailable", "The database is away; try again"
    retry_after_seconds = 2


class PayOSUnavailable(PayOSFailed):
    """PayOS was not asked, or asked us to come later: certainly nothing has happened there."""

    http_status, code, title = 503, "payos_unavailable", "PayOS cannot be reached now; try again"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class TooBusy(Problem):
    http_status, code, title = 503, "too_busy", "Too many people are logging in; try again"
    retry_after_seconds = 1


class PayOSTimeout(PayOSFailed):
    """PayOS did not answer in time or could not be reached; the top-up stays pending."""

    http_status, code, title = 504, "payos_timeout", "PayOS did not answer in time; try again"
