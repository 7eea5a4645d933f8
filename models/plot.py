"""How training went, as an SVG for the card."""
from pathlib import Path


def save_curves(path: Path, title: str, curves: dict[str, list[tuple[float, float]]]) -> None:
    """curves: name to points (step, value). Drawn from 0 up; the last value of each is written beside it."""
    width, height, left, right, top, bottom = 560, 260, 40, 130, 30, 30
    most = max(step for points in curves.values() for step, _ in points)
    highest = max(value for points in curves.values() for _, value in points)
    across = lambda step: left + (width - left - right) * step / most  # noqa: E731
    up = lambda value: height - bottom - (height - top - bottom) * value / highest  # noqa: E731
    colours = ["#b3541e", "#1e6fb3", "#3c8d40"]
    parts = [f'<text x="{left}" y="18" font-weight="bold">{title}</text>',
             f'<path d="M{left} {top}V{height - bottom}H{width - right}" fill="none" stroke="#888"/>',
             f'<text x="{left}" y="{height - 10}">0</text><text x="{width - right}" y="{height - 10}" text-anchor="end">{most:g}</text>',
             f'<text x="{left - 4}" y="{top + 8}" text-anchor="end">{highest:.2g}</text>']
    for colour, (name, points) in zip(colours, curves.items()):
        line = " ".join(f"{across(step):.1f},{up(value):.1f}" for step, value in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{width - right + 6}" y="{up(points[-1][1]) + 4:.1f}" fill="{colour}">{name} {points[-1][1]:.3g}</text>')
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
                    f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n')
