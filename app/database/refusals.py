"""Refusals of SQL functions as sentences for the person who called a command."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg

from app.errors import NapviError


@contextmanager
def refusals(
    sentences: Mapping[str, str], refused: type[NapviError], **names: object
) -> Iterator[None]:
    """Raises `refused` with the sentence that belongs to the SQLSTATE, if one does; in it are
    filled in `names`, and the `detail` of the error."""
    try:
        yield
    except psycopg.Error as error:
        sentence = sentences.get(error.sqlstate or "")
        if sentence is None:
            raise
        raise refused(sentence.format(detail=error.diag.message_detail, **names)) from None
