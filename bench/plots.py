"""A plot as SVG text: for each figure a band, for each contender a row of its rounds."""

from collections.abc import Sequence
from html import escape

from bench.figures import OURS, Figure, spread

WIDTH, LABELS, ROW, GAP = 720, 190, 22, 34
OUR_COLOUR, THEIR_COLOUR = "#0a7d55", "#7a8794"


def plot(figures: Sequence[Figure]) -> str:
    """Each figure on a scale of its own that begins at 0; a dot is a round, a bar the median."""
    parts: list[str] = []
    y = 8
    for figure in figures:
        y += 16
        parts.append(f'<text x="0" y="{y}" class="b">{escape(figure.name)}, {figure.unit}</text>')
        most = max(max(values) for values in figure.values.values()) or 1.0
        for name, values in figure.values.items():
            parts += _row(name, values, y + 8, (WIDTH - LABELS - 70) / most)
            y += ROW
        y += GAP - 16
    style = "text{font:13px sans-serif;fill:#333}.b{font-weight:bold}"
    size = f'width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
    ground = f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{ground}'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _row(name: str, values: Sequence[float], y: float, scale: float) -> list[str]:
    colour = OUR_COLOUR if name == OURS else THEIR_COLOUR
    median = spread(values).median
    length = median * scale
    middle = y + ROW / 2
    dots = [
        f'<circle cx="{LABELS + value * scale:.1f}" cy="{middle:.1f}" r="2.5" fill="#222"/>'
        for value in values
    ]
    return [
        f'<text x="{LABELS - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{LABELS}" y="{y + 4:.1f}" width="{length:.1f}" height="{ROW - 8}" '
        f'fill="{colour}" opacity="0.75"/>',
        *dots,
        f'<text x="{WIDTH}" y="{middle + 4:.1f}" text-anchor="end">{median:.4g}</text>',
    ]
