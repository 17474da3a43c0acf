"""The settings of a command whose output is for a person, not for a log."""

from app.logs import configure_logging
from app.settings import Settings


def quiet_settings() -> Settings:
    """With logging set up, for warnings only unless NAPVI_LOG_LEVEL says otherwise."""
    settings = Settings.load()
    said = "log_level" in settings.model_fields_set
    configure_logging(settings.log_level if said else "warning")
    return settings
