"""Plots for the model cards as small SVG files, drawn without a library: the text in a diff is what is seen."""
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 560, 300, 52, 30, 130, 40
COLOURS = ["#1b6e4b", "#b3541e", "#2a5d9f", "#8a3b8f", "#6b6b00"]


def lines(path: Path, title: str, across: str, series: dict) -> None:
    """series: name to [(x, y), ...]. Axes start at the smallest and end at the largest that there is."""
    points = [point for values in series.values() for point in values]
    low_x, high_x = min(x for x, _ in points), max(x for x, _ in points)
    low_y, high_y = min(0, min(y for _, y in points)), max(y for _, y in points)
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    place = lambda x, y: (LEFT + wide * (x - low_x) / ((high_x - low_x) or 1), TOP + high * (high_y - y) / ((high_y - low_y) or 1))  # noqa: E731
    parts = [f'<text x="{LEFT}" y="18" font-weight="bold">{title}</text>',
             f'<text x="{LEFT + wide / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">{across}</text>']
    for step in range(5):
        value = low_y + (high_y - low_y) * step / 4
        y = place(low_x, value)[1]
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + wide}" y2="{y:.1f}" stroke="#ccc"/>'
                     f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
        value = low_x + (high_x - low_x) * step / 4
        parts.append(f'<text x="{place(value, low_y)[0]:.1f}" y="{TOP + high + 16}" text-anchor="middle">{value:.4g}</text>')
    for index, (name, values) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        run = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*value) for value in values))
        parts.append(f'<polyline points="{run}" fill="none" stroke="{colour}" stroke-width="2"/>'
                     f'<text x="{LEFT + wide + 8}" y="{TOP + 12 + 18 * index}" fill="{colour}">{name}</text>')
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
                    f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n")
