"""What people read: one catalogue for each language, and how money and time are written.

A catalogue is a TOML file beside this one; table and key give the name (`topup.title`). All
languages have the same keys and the same placeholders; a test holds them together.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.model import VIETNAM

LANGUAGES = ("vi", "en")
"""The first one is what a visitor sees who has not chosen."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language; call it with a dotted key and the placeholders' values."""

    language: str
    entries: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Raises KeyError for an unknown key and for a placeholder without a value."""
        return self.entries[key].format(**values)

    def below(self, prefix: str) -> dict[str, str]:
        """The entries under `prefix`, without it and not filled in: what a page script needs."""
        start = prefix + "."
        return {
            key.removeprefix(start): text
            for key, text in self.entries.items()
            if key.startswith(start)
        }

    def bank(self, bank_bin: str | None) -> str:
        """The bank's everyday name, or its number when we do not know one."""
        return self.entries.get(f"bank.{bank_bin}", bank_bin or "")

    def event(self, type: str, table: str = "event") -> str:
        """What happened, in the words of `table`; its type when only a newer process knows it."""
        return self.entries.get(f"{table}.{type.replace('.', '_')}", type)

    def time(self, at: datetime, form: str = "moment") -> str:
        """`at` in Vietnam, in a form of the table `format`."""
        return at.astimezone(VIETNAM).strftime(self.entries[f"format.{form}"])


def load_texts() -> dict[str, Texts]:
    """Every catalogue by language, in the order of LANGUAGES. Reads files: call it once."""
    banks = _entries("banks")
    return {language: Texts(language, _entries(language) | banks) for language in LANGUAGES}


def dong(amount: int, signed: bool = False) -> str:
    """`50.000 ₫`, with a no-break space; static/money.js writes the same."""
    digits = f"{amount:+,}" if signed else f"{amount:,}"
    return digits.replace(",", ".") + "\N{NO-BREAK SPACE}₫"


def clock(left: timedelta) -> str:
    """`14:05`, or `1:02:03`, rounded up; static/countdown.js writes the same."""
    seconds = max(0, math.ceil(left.total_seconds()))
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours}:{minutes % 60:02}:{seconds % 60:02}"
    return f"{minutes}:{seconds % 60:02}"


def _entries(name: str) -> dict[str, str]:
    file = Path(__file__).parent / f"{name}.toml"
    return {
        f"{table}.{key}": text
        for table, texts in tomllib.loads(file.read_text("utf-8")).items()
        for key, text in texts.items()
    }
