"""Every setting and every limit, with unit and default. Read from the environment, only here.

docs/settings.md has a row for each; a test compares both.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    DirectoryPath,
    Field,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.errors import ConfigurationError
from app.metrics.labels import KeyPosition

REQUIRED_TO_SERVE = {
    "payos_client_id": "Copy it from the payment channel's page on my.payos.vn.",
    "payos_api_key": "Copy it from the payment channel's page on my.payos.vn.",
    "payos_checksum_key": "Copy it from the payment channel's page on my.payos.vn.",
    "secret_key": "Set it to a long random text, the same in every process: "
    "python -c 'import secrets; print(secrets.token_urlsafe(48))'",
}
SECRET_KEY_CHARACTERS_MIN = 32
PERCENTAGE = re.compile(r"(100|[1-9]?[0-9])%")
SCHEDULE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?(,[0-9]{1,6}(\.[0-9]{1,3})?)*")
RANGES = (
    ("topup_amount_min_vnd", "topup_amount_max_vnd"),
    ("password_characters_min", "password_characters_max"),
    ("login_delay_seconds", "login_delay_seconds_max"),
    ("drain_wait_seconds", "shutdown_seconds_max"),
)

# PostgreSQL and TCP take milliseconds, whole ones, of 31 bits; 0 would mean no limit at all.
SECONDS_MIN, SECONDS_MAX = 0.001, 7 * 86_400
Dong = Annotated[int, Field(gt=0, le=2**53 - 1)]
WholeSeconds = Annotated[int, Field(gt=0, le=366 * 24 * 3600)]
Seconds = Annotated[float, Field(ge=SECONDS_MIN, le=SECONDS_MAX, allow_inf_nan=False)]
Days = Annotated[int, Field(gt=0, le=36_500)]
Pause = Annotated[float, Field(ge=0, le=SECONDS_MAX, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class PayOSCredentials:
    """Of one payment channel. The first checksum key signs, each is accepted."""

    client_id: str
    api_key: str = field(repr=False)
    checksum_keys: tuple[str, ...] = field(repr=False)


class Settings(BaseSettings):
    """The configuration of one process. Build it with `Settings.load()`."""

    model_config = SettingsConfigDict(
        env_prefix="NAPVI_", extra="ignore", frozen=True, populate_by_name=True
    )

    # Where things are
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL", repr=False)
    listen_database_url: str | None = Field(
        default=None, validation_alias="LISTEN_DATABASE_URL", repr=False
    )
    data_dir: str | None = None
    postgres_bin: str | None = None
    public_url: str | None = None

    # PayOS
    payos_client_id: str | None = Field(default=None, validation_alias="PAYOS_CLIENT_ID")
    payos_api_key: SecretStr | None = Field(default=None, validation_alias="PAYOS_API_KEY")
    payos_checksum_key: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), validation_alias="PAYOS_CHECKSUM_KEY", max_length=len(KeyPosition)
    )
    payos_base_url: str = Field(
        default="https://api-merchant.payos.vn", validation_alias="PAYOS_BASE_URL"
    )
    payos_timeout_seconds: Seconds = 8.0
    payos_retries: int = Field(default=1, ge=0, le=5)
    payos_calls_at_once: PositiveInt = 16
    payos_background_calls_at_once: PositiveInt = 4
    payos_calls_waiting_max: int = Field(default=64, ge=0)
    payos_wait_seconds_max: Seconds = 5.0
    payos_breaker_no_answers: PositiveInt = 5
    payos_breaker_pause_seconds: Seconds = 10.0

    # Asking PayOS what a webhook should have told
    reconcile: bool = True
    reconcile_schedule_seconds: str = "30,120,600,3600"
    reconcile_watched_seconds: Seconds = 90.0
    reconcile_tick_seconds: Seconds = 1.0
    reconcile_at_once: PositiveInt = 4
    reconcile_lease_seconds: Seconds = 60.0
    reconcile_nudge_seconds: Seconds = 10.0
    reconcile_backoff_seconds_max: Seconds = 60.0

    # Logins
    secret_key: SecretStr | None = None
    cookie_secure: bool = True
    session_idle_seconds: WholeSeconds = 30 * 60
    session_absolute_seconds: WholeSeconds = 12 * 3600
    password_characters_min: PositiveInt = 8
    password_characters_max: PositiveInt = 128
    password_hashes_at_once: PositiveInt = 2
    password_hashes_waiting_max: PositiveInt = 16
    login_guesses_free: Annotated[int, Field(gt=0, le=10_000)] = 5
    login_delay_seconds: Seconds = 1.0
    login_delay_seconds_max: Seconds = 30.0

    # Top-ups
    topup_amount_min_vnd: Dong = 2_000
    topup_amount_max_vnd: Dong = 100_000_000
    topup_expiry_seconds: WholeSeconds = 15 * 60
    topups_open_max: Annotated[int, Field(gt=0, le=10_000)] = 20

    # Bodies
    webhook_body_bytes_max: PositiveInt = 64 * 1024
    request_body_bytes_max: PositiveInt = 16 * 1024
    request_body_seconds_max: Seconds = 60.0
    answer_seconds_max: Seconds = 30.0
    reader_timeout_seconds: Seconds = 15.0

    # Database
    database_connections: PositiveInt = 8
    append_connections: PositiveInt = 2
    database_waiting_max: PositiveInt = 1000
    append_batch_max: int = Field(default=32, ge=1, le=64)
    append_queue_max: PositiveInt = 4096
    lock_timeout_seconds: Seconds = 3.0
    statement_timeout_seconds: Seconds = 5.0
    connect_timeout_seconds: PositiveInt = 5

    # Forgetting
    bodies_kept_days: Days = 90
    sessions_kept_days: Days = 30
    guesses_kept_days: Days = 1
    prune_seconds: Seconds = 3600.0
    prune_rows_max: Annotated[int, Field(gt=0, le=10_000)] = 500

    # Hash chain
    seal_seconds: Seconds = 1.0
    seal_batch_max: Annotated[int, Field(gt=0, le=10_000)] = 1_000

    # Streams
    stream: str = "on"
    stream_heartbeat_seconds: Seconds = 30.0
    stream_retry_seconds: Seconds = 2.0
    stream_move_seconds: Seconds = 1.0
    stream_yield_seconds: Seconds = 30.0
    stream_busy_seconds: Seconds = 10.0
    streams_per_user_max: Annotated[int, Field(gt=0, le=10_000)] = 10
    streams_per_process_max: PositiveInt = 10_000
    stream_spare_seconds: Seconds = 5.0
    stream_openings_at_once: PositiveInt = 32
    stream_openings_waiting_max: PositiveInt = 4_000
    stream_opening_seconds_max: Seconds = 5.0
    stream_check_seconds: Seconds = 30.0
    stream_send_timeout_seconds: Seconds = 10.0
    stream_frames_waiting_max: PositiveInt = 64
    stream_age_seconds_max: Seconds = 3600.0
    stream_grace_seconds: Seconds = 15 * 60.0
    stream_sweep_seconds: Seconds = 30.0
    stream_first_seconds_max: Seconds = 0.05
    stream_seen_percent: Annotated[int, Field(ge=0, le=100)] = 10
    listener_echo_seconds: Seconds = 5.0
    listener_echo_timeout_seconds: Seconds = 10.0
    listener_backoff_seconds_max: Seconds = 30.0

    # Processes
    drain_wait_seconds: Pause = 0.0
    shutdown_seconds_max: Seconds = 10.0
    worker_start_seconds_max: Seconds = 60.0
    worker_backoff_seconds_max: Seconds = 30.0

    log_level: str = "info"
    metrics_review_age_seconds_max: Seconds = 15.0
    metrics_review_timeout_seconds: Seconds = 2.0
    prometheus_multiproc_dir: DirectoryPath | None = Field(
        default=None, validation_alias="PROMETHEUS_MULTIPROC_DIR"
    )

    @field_validator("payos_checksum_key", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        """Several keys, separated by commas, while one is being rotated out."""
        if isinstance(value, str):
            return tuple(key.strip() for key in value.split(",") if key.strip())
        return value

    @field_validator("database_url", "listen_database_url")
    @classmethod
    def _refuse_emptiness(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Of a secret that failed to arrive: money must not go to a database nobody chose."""
        if value is not None and not value.strip():
            setting = environment_name(str(info.field_name))
            raise ConfigurationError(setting, "is empty.", "Set it to a libpq URI, or unset it.")
        return value

    @field_validator("stream")
    @classmethod
    def _refuse_other_shares(cls, value: str) -> str:
        if value not in {"off", "on"} and not PERCENTAGE.fullmatch(value):
            complaint = "is neither off nor on nor a whole percentage such as 25%."
            raise ConfigurationError("NAPVI_STREAM", complaint, "See docs/settings.md.")
        return value

    @field_validator("reconcile_schedule_seconds")
    @classmethod
    def _refuse_other_schedules(cls, value: str) -> str:
        steps = [float(step) for step in value.split(",")] if SCHEDULE.fullmatch(value) else []
        if not steps or steps[0] <= 0 or sorted(set(steps)) != steps:
            setting = environment_name("reconcile_schedule_seconds")
            complaint = "is no list of growing numbers, separated by commas, such as 30,120,600."
            raise ConfigurationError(setting, complaint, "See docs/settings.md.")
        return value

    @field_validator("payos_base_url", "public_url")
    @classmethod
    def _refuse_other_than_http(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not _is_http_url(value):
            setting = environment_name(str(info.field_name))
            complaint = "is no http:// or https:// URL with a host."
            raise ConfigurationError(setting, complaint, "See docs/settings.md.")
        return value

    @model_validator(mode="after")
    def _refuse_empty_ranges(self) -> Self:
        for low, high in RANGES:
            if getattr(self, low) > getattr(self, high):
                complaint = f"is larger than {environment_name(high)}."
                raise ConfigurationError(environment_name(low), complaint, "See docs/settings.md.")
        return self

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """From the environment. Raises ConfigurationError that names the first wrong setting."""
        try:
            return cls(**overrides)
        except ValidationError as error:
            fault = error.errors()[0]
            setting = environment_name(str(fault["loc"][0]))
            complaint = f"{fault['msg']}."
            raise ConfigurationError(setting, complaint, "See docs/settings.md.") from None

    def require_for_serving(self) -> None:
        """Raises ConfigurationError when something that `serve` cannot do without is missing."""
        self.payos()
        if not self.secret_key:
            raise _not_set("secret_key")
        if self.cookie_secure and urlsplit(self.public_url or "").scheme != "https":
            # PayOS sends payers back there; a Host header is no authority for that.
            complaint = "does not start with https://." if self.public_url else "is not set."
            raise ConfigurationError(
                environment_name("public_url"),
                complaint,
                "Set it to where payers reach the service, https://your-host, or set "
                "NAPVI_COOKIE_SECURE=false for a plain-HTTP installation.",
            )

    def payos(self) -> PayOSCredentials:
        """Raises ConfigurationError that names the first that is not set."""
        if not self.payos_client_id:
            raise _not_set("payos_client_id")
        if not self.payos_api_key:
            raise _not_set("payos_api_key")
        if not self.payos_checksum_key:
            raise _not_set("payos_checksum_key")
        return PayOSCredentials(
            self.payos_client_id,
            self.payos_api_key.get_secret_value(),
            tuple(key.get_secret_value() for key in self.payos_checksum_key),
        )


def environment_name(field: str) -> str:
    """The environment variable of a field of Settings."""
    info = Settings.model_fields.get(field)
    alias = info.validation_alias if info else None
    if isinstance(alias, str):
        return alias
    return field if field.isupper() else f"NAPVI_{field.upper()}"


def _not_set(name: str) -> ConfigurationError:
    return ConfigurationError(environment_name(name), "is not set.", REQUIRED_TO_SERVE[name])


def _is_http_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        has_address = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, half an IPv6 address
        return False
    return has_address and parts.scheme in {"http", "https"} and not re.search(r"\s", value)
