"""Every setting and every limit, with unit and default. Read from the environment, only here.

docs/settings.md has a row for each; a test compares both.
"""

from typing import Annotated, Any, Self

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.errors import ConfigurationError

REQUIRED_TO_SERVE = {
    "payos_client_id": "Copy it from the payment channel's page on my.payos.vn.",
    "payos_api_key": "Copy it from the payment channel's page on my.payos.vn.",
    "payos_checksum_key": "Copy it from the payment channel's page on my.payos.vn.",
    "secret_key": "Set it to a long random text, the same in every process: "
    "python -c 'import secrets; print(secrets.token_urlsafe(48))'",
}
SECRET_KEY_CHARACTERS_MIN = 32


class Settings(BaseSettings):
    """The configuration of one process. Build it with `Settings.load()`."""

    model_config = SettingsConfigDict(
        env_prefix="NAPVI_", extra="ignore", frozen=True, populate_by_name=True
    )

    # Where things are
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    listen_database_url: str | None = Field(default=None, validation_alias="LISTEN_DATABASE_URL")
    data_dir: str | None = None
    postgres_bin: str | None = None
    public_url: str | None = None

    # PayOS
    payos_client_id: str | None = Field(default=None, validation_alias="PAYOS_CLIENT_ID")
    payos_api_key: SecretStr | None = Field(default=None, validation_alias="PAYOS_API_KEY")
    payos_checksum_key: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), validation_alias="PAYOS_CHECKSUM_KEY"
    )
    payos_base_url: str = Field(
        default="https://api-merchant.payos.vn", validation_alias="PAYOS_BASE_URL"
    )
    payos_timeout_seconds: PositiveFloat = 8.0
    payos_retries: int = Field(default=1, ge=0, le=5)

    # Logins
    secret_key: SecretStr | None = None
    cookie_secure: bool = True
    session_idle_seconds: PositiveInt = 30 * 60
    session_absolute_seconds: PositiveInt = 12 * 3600
    password_characters_min: PositiveInt = 8
    password_characters_max: PositiveInt = 128
    password_hashes_at_once: PositiveInt = 2

    # Top-ups
    topup_amount_min_vnd: PositiveInt = 2_000
    topup_amount_max_vnd: PositiveInt = 100_000_000
    topup_expiry_seconds: PositiveInt = 15 * 60

    # Bodies
    webhook_body_bytes_max: PositiveInt = 64 * 1024
    request_body_bytes_max: PositiveInt = 16 * 1024
    reader_timeout_seconds: PositiveFloat = 15.0

    # Database
    database_connections: PositiveInt = 8
    append_connections: PositiveInt = 2
    database_waiting_max: PositiveInt = 1000
    append_batch_max: int = Field(default=64, ge=1, le=64)
    append_queue_max: PositiveInt = 4096
    lock_timeout_seconds: PositiveFloat = 3.0
    statement_timeout_seconds: PositiveFloat = 5.0
    connect_timeout_seconds: PositiveInt = 5

    # Streams
    stream_heartbeat_seconds: PositiveFloat = 30.0
    stream_retry_seconds: PositiveFloat = 2.0
    stream_frames_waiting_max: PositiveInt = 64
    stream_age_seconds_max: PositiveFloat = 3600.0
    stream_grace_seconds: PositiveFloat = 15 * 60.0
    stream_sweep_seconds: PositiveFloat = 30.0
    listener_echo_seconds: PositiveFloat = 5.0
    listener_echo_timeout_seconds: PositiveFloat = 10.0
    listener_backoff_seconds_max: PositiveFloat = 30.0
    shutdown_seconds_max: PositiveFloat = 10.0

    log_level: str = "info"

    @field_validator("payos_checksum_key", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        """Several keys, separated by commas, while one is being rotated out."""
        if isinstance(value, str):
            return tuple(key.strip() for key in value.split(",") if key.strip())
        return value

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """From the environment. Raises ConfigurationError that names the first wrong setting."""
        try:
            return cls(**overrides)
        except ValidationError as error:
            fault = error.errors()[0]
            field = str(fault["loc"][0])
            raise ConfigurationError(
                environment_name(field), f"{fault['msg']}.", "See docs/settings.md."
            ) from None

    def require_for_serving(self) -> None:
        """Raises ConfigurationError when a secret that `serve` cannot do without is missing."""
        self.require(*REQUIRED_TO_SERVE)

    def require(self, *fields: str) -> None:
        """Raises ConfigurationError for the first of `fields` (of REQUIRED_TO_SERVE) not set."""
        for field in fields:
            if not getattr(self, field):
                remedy = REQUIRED_TO_SERVE[field]
                raise ConfigurationError(environment_name(field), "is not set.", remedy)


def environment_name(field: str) -> str:
    """The environment variable of a field of Settings."""
    info = Settings.model_fields.get(field)
    alias = info.validation_alias if info else None
    if isinstance(alias, str):
        return alias
    return field if field.isupper() else f"NAPVI_{field.upper()}"
