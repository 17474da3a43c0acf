from pathlib import Path

import pytest

from tests.backup.recipes import with_programs


@pytest.fixture
def environment(environment: dict[str, str], postgres_bin: Path) -> dict[str, str]:
    """Nobody asks PayOS in the background: what is found is found by the commands."""
    return with_programs(environment, postgres_bin) | {"NAPVI_RECONCILE": "false"}
