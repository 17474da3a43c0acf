"""The secrets of the demo: made once per data directory, so that logins survive a restart."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from app.errors import DataDirectoryError

FILE_NAME = "demo.json"


@dataclass(frozen=True, slots=True)
class DemoSecrets:
    """`password` is that of the demo login; the others are settings of the same name."""

    payos_client_id: str
    payos_api_key: str
    payos_checksum_key: str
    secret_key: str
    password: str


def keep_secrets(data_dir: Path) -> DemoSecrets:
    """Those kept in `data_dir`, in a file for its owner only; new ones if there are none.

    Raises DataDirectoryError when the file cannot be read or written.
    """
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            _write_privately(path, json.dumps(asdict(_new_secrets()), indent=2))
        return DemoSecrets(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise DataDirectoryError(f"{path} is of no use: {error}. Remove it.") from error


def _new_secrets() -> DemoSecrets:
    return DemoSecrets(
        payos_client_id=secrets.token_hex(16),
        payos_api_key=secrets.token_hex(16),
        payos_checksum_key=secrets.token_hex(32),
        secret_key=secrets.token_urlsafe(48),
        password=secrets.token_hex(5),
    )


def _write_privately(path: Path, text: str) -> None:
    """All of it or nothing, and at no moment readable for others."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600, exist_ok=False)
    unfinished.write_text(text)
    unfinished.replace(path)
