"""The files of app/static in answers."""

from pathlib import Path

from quart import Response
from quart.wrappers.response import DataBody


class WholeFile(DataBody):
    """Small, and read at once. Quart's own body opens the file in a thread, and a browser that
    leaves while it is closed again leaves it open."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.read_bytes())


class Answer(Response):
    """What a handler's result becomes."""

    file_body_class = WholeFile  # type: ignore[assignment]
