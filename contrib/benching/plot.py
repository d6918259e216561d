"""The figures as bars in an SVG: for each load the CPU time a message and the
messages delivered a second, a bar a server, on logarithmic scales. It draws
with its own colours on light and on dark pages."""
import math

from benching.report import summary

WIDTH, LEFT, RIGHT = 960, 56, 12
PANEL, GAP, TOP_ROOM, BOTTOM = 210, 62, 64, 16
PANELS = (("CPU ms/msg", "CPU time a message, ms (less is better)"),
          ("delivered/s", "delivered messages a second (more is better)"))
COLOURS = ("#2f7ed8", "#e08214", "#1b9e77", "#c2539b", "#7f7f7f")
STYLE = """
text { font: 12px sans-serif; fill: #222 }
.small { font-size: 9.5px }
.title { font-size: 14px; font-weight: bold }
.grid { stroke: #ccc }
.back { fill: #fff }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd }
  .grid { stroke: #444 }
  .back { fill: #161b22 }
}
"""


def brief(value):
    """A number in at most four signs, for the top of a narrow bar."""
    if value >= 9995:
        return f"{value / 1000:.0f}k"
    return f"{value:.0f}" if value >= 99.5 else (
        f"{value:.1f}" if value >= 9.95 else f"{value:.2f}")


def text(x, y, words, kind="", anchor="middle"):
    kind = f' class="{kind}"' if kind else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>'
            f"{words}</text>")


def scale_of(values):
    """The decades that hold all values: the exponents of both ends."""
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def draw_grid(top, low, high):
    out = []
    for exponent in range(low, high + 1):
        y = top + PANEL * (high - exponent) / (high - low)
        out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" '
                   f'y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(text(LEFT - 6, y + 4, f"{10.0 ** exponent:g}",
                        anchor="end"))
    return out


def draw_panel(top, title, values, names):
    """`values`: {load: {server: figure}}; what is not above 0 has no bar."""
    out = [text(LEFT, top - 14, title, "title", "start")]
    every = [v for row in values.values() for v in row.values() if v > 0]
    if not every:
        return out
    low, high = scale_of(every)
    out += draw_grid(top, low, high)
    group = (WIDTH - LEFT - RIGHT) / len(values)
    bar = group / (len(names) + 0.6)
    for i, (load, row) in enumerate(values.items()):
        left = LEFT + i * group + 0.3 * bar
        out.append(text(LEFT + (i + 0.5) * group, top + PANEL + 18,
                        f"load {load}"))
        for k, name in enumerate(names):
            if row.get(name, 0) <= 0:
                continue
            height = PANEL * (math.log10(row[name]) - low) / (high - low)
            x = left + k * bar
            out.append(
                f'<rect x="{x + 1:.1f}" y="{top + PANEL - height:.1f}" '
                f'width="{bar - 2:.1f}" height="{max(height, 1):.1f}" '
                f'fill="{COLOURS[k % len(COLOURS)]}"/>')
            out.append(text(x + bar / 2, top + PANEL - height - 4,
                            brief(row[name]), "small"))
    return out


def draw_legend(names):
    out, x = [], LEFT
    for k, name in enumerate(names):
        out.append(f'<rect x="{x}" y="12" width="12" height="12" '
                   f'fill="{COLOURS[k % len(COLOURS)]}"/>')
        out.append(text(x + 18, 22, name, anchor="start"))
        x += 44 + 8 * len(name)
    return out


def draw(results, names):
    """The SVG of {load: {server: [figures of each round]}}."""
    sums = {load: {name: summary(rows) for name, rows in by_server.items()}
            for load, by_server in results.items()}
    height = TOP_ROOM + len(PANELS) * (PANEL + GAP) + BOTTOM - GAP // 2
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{height}" viewBox="0 0 {WIDTH} {height}">',
           f"<style>{STYLE}</style>",
           f'<rect class="back" width="{WIDTH}" height="{height}"/>']
    out += draw_legend(names)
    for number, (key, title) in enumerate(PANELS):
        values = {load: {name: s[key] for name, s in row.items()}
                  for load, row in sums.items()}
        out += draw_panel(TOP_ROOM + number * (PANEL + GAP), title, values,
                          names)
    return "\n".join(out + ["</svg>"]) + "\n"
