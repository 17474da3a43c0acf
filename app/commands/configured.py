"""What every command begins with: the settings, and a log that fits its output."""

from app.logs import configure_logging
from app.settings import Settings


def configured(log_level: str | None = None) -> Settings:
    """The settings, with logging set up: at `log_level` unless NAPVI_LOG_LEVEL says otherwise.

    A command whose output is for a person asks for few lines of log.
    """
    settings = Settings.load()
    said = "log_level" in settings.model_fields_set
    configure_logging(settings.log_level if said or log_level is None else log_level)
    return settings
