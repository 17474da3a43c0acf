"""A length of time on the command line."""

import math
from typing import Any

import click


class Seconds(click.FloatRange):
    """FloatRange takes nan for a number within every range."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return number
