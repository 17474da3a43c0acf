"""A plot as SVG text: for each figure a band, for each contender a row of its rounds."""

import math
from collections.abc import Callable, Sequence
from html import escape

from bench.figures import OURS, Figure, spread

WIDTH, LABELS, ROW, GAP = 720, 190, 22, 34
OUR_COLOUR, THEIR_COLOUR = "#0a7d55", "#7a8794"
Place = Callable[[float], float]  # pixels to the right of the names
FAR_APART = 50.0  # times; on one even scale the smaller ones could not be seen


def plot(figures: Sequence[Figure]) -> str:
    """Each figure on a scale of its own; a dot is a round, a bar the median.

    It begins at 0, or, where contenders are far apart, each step to the right is ten times more.
    """
    parts: list[str] = []
    y = 8
    for figure in figures:
        y += 16
        place, note = _scale(figure)
        title = f"{escape(figure.name)}, {figure.unit}{note}"
        parts.append(f'<text x="0" y="{y}" class="b">{title}</text>')
        for name, values in figure.values.items():
            parts += _row(name, values, y + 8, place)
            y += ROW
        y += GAP - 16
    style = "text{font:13px sans-serif;fill:#333}.b{font-weight:bold}"
    size = f'width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
    ground = f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{ground}'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _scale(figure: Figure) -> tuple[Place, str]:
    """From a value to where it is, and what the title says about that."""
    width = WIDTH - LABELS - 70
    every = [value for values in figure.values.values() for value in values]
    least, most = min(every), max(every) or 1.0
    if least <= 0 or most / least < FAR_APART:
        return lambda value: value / most * width, ""
    first = math.floor(math.log10(least))
    decades = math.log10(most) - first
    return lambda value: (math.log10(value) - first) / decades * width, " (logarithmic)"


def _row(
    name: str, values: Sequence[float], y: float, place: Callable[[float], float]
) -> list[str]:
    colour = OUR_COLOUR if name == OURS else THEIR_COLOUR
    median = spread(values).median
    middle = y + ROW / 2
    dots = [
        f'<circle cx="{LABELS + place(value):.1f}" cy="{middle:.1f}" r="2.5" fill="#222"/>'
        for value in values
    ]
    told = f"{median:,.0f}" if median >= 1_000 else f"{median:.4g}"
    return [
        f'<text x="{LABELS - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{LABELS}" y="{y + 4:.1f}" width="{place(median):.1f}" height="{ROW - 8}" '
        f'fill="{colour}" opacity="0.75"/>',
        *dots,
        f'<text x="{WIDTH}" y="{middle + 4:.1f}" text-anchor="end">{told}</text>',
    ]
