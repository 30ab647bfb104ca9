"""A run graph as one self-contained SVG picture, for screens, print and dark rooms."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from xml.sax.saxutils import escape, quoteattr

from secondsite.graph.layout import BOX_HEIGHT, HEADER_HEIGHT, Block, Box, Lane, lay_out
from secondsite.graph.rungraph import RunGraph
from secondsite.graph.steps import Action

__all__ = ["draw_svg"]

_TITLE_HEIGHT = 34.0
_LEGEND_HEIGHT = 30.0
_CLASS = {Action.GATE: "gate", Action.SCRIPT: "script", Action.READY: "ready"}
_STYLE = """
svg { font: 11px system-ui, "Segoe UI", "Helvetica Neue", sans-serif; background: #fff }
text { fill: #1b2733 } .title { font-size: 15px; font-weight: 600 }
.head { font-size: 12px; font-weight: 600 } .vm { font-weight: 600 } .quiet { fill: #55636f }
.block { fill: #f4f6f8; stroke: #c5ced6 } .step { fill: #dbe8f6; stroke: #7da2cb }
.ready { fill: #d6efdc; stroke: #6ba97d } .gate { fill: #fdeecb; stroke: #c9972c }
.script { fill: #e9e2f5; stroke: #957fbd } .critical { stroke: #b3261e; stroke-width: 2.5 }
.link, .flow { fill: none; stroke: #55636f; stroke-width: 1.2 } .flow { stroke-width: 1.6 }
.arrow { fill: #55636f }
@media (prefers-color-scheme: dark) {
svg { background: #14181c } text { fill: #e6ebf0 } .quiet { fill: #9fb0bf }
.block { fill: #1d242a; stroke: #3a4650 } .step { fill: #23384f; stroke: #5b86b5 }
.ready { fill: #1f4029; stroke: #5d9c70 } .gate { fill: #4c3a10; stroke: #c9972c }
.script { fill: #392e50; stroke: #957fbd } .critical { stroke: #ff8a80 }
.link, .flow { stroke: #9fb0bf } .arrow { fill: #9fb0bf } }
"""


def draw_svg(graph: RunGraph, *, title: str, critical: Collection[str] = ()) -> str:
    """The picture of `graph`; steps of `critical` are outlined."""
    layout = lay_out(graph)
    width = max(layout.width, len(title) * 8.5 + 24, 560.0)
    height = layout.height + _TITLE_HEIGHT + _LEGEND_HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label={quoteattr(title)}>',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
        ' markerHeight="7" orient="auto"><path class="arrow" d="M0 0 8 4 0 8z"/></marker></defs>',
        f'<text class="title" x="12" y="24">{escape(title)}</text>',
        f'<g transform="translate(0 {_TITLE_HEIGHT:.0f})">',
    ]
    for earlier, later in zip(layout.blocks, layout.blocks[1:], strict=False):
        parts.append(_flow(earlier, later))
    for block in layout.blocks:
        parts += _block(block, critical)
    parts += ["</g>", *_legend(height - 10, has_critical=bool(critical)), "</svg>"]
    return "\n".join(parts) + "\n"


def _block(block: Block, critical: Collection[str]) -> Iterator[str]:
    yield (
        f'<rect class="block" x="{block.x:.1f}" y="{block.y:.1f}" width="{block.width:.1f}"'
        f' height="{block.height:.1f}" rx="7"/>'
    )
    head_x, head_y = block.x + 12, block.y + 19
    yield f'<text class="head" x="{head_x:.1f}" y="{head_y:.1f}">{escape(block.title)}</text>'
    for other, lane in block.links:
        yield _link(other, lane)
    for lane in block.lanes:
        yield f'<text class="vm" x="{lane.x:.1f}" y="{lane.y + 14:.1f}">{escape(lane.vm)}</text>'
    for box in block.boxes:
        yield from _box(box, is_critical=box.step.id in critical)


def _box(box: Box, *, is_critical: bool) -> Iterator[str]:
    kind = _CLASS.get(box.step.action, "step") + (" critical" if is_critical else "")
    yield (
        f'<g><title>{escape(box.step.id)}</title><rect class="{kind}" x="{box.x:.1f}"'
        f' y="{box.y:.1f}" width="{box.width:.1f}" height="{BOX_HEIGHT:.0f}" rx="4"/>'
    )
    yield (
        f'<text x="{box.x + box.width / 2:.1f}" y="{box.y + 14:.1f}" text-anchor="middle">'
        f"{escape(box.label)}</text></g>"
    )


def _link(other: Lane, lane: Lane) -> str:
    """From the end of one VM's lane to the beginning of one that waits for it."""
    x1, y1 = other.end_x, other.y + BOX_HEIGHT / 2
    x2, y2 = lane.x - 5, lane.y + BOX_HEIGHT / 2
    middle = x1 + (x2 - x1) / 2
    return (
        f'<path class="link" marker-end="url(#to)" d="M{x1:.1f} {y1:.1f}H{middle:.1f}'
        f'V{y2:.1f}H{x2:.1f}"/>'
    )


def _flow(earlier: Block, later: Block) -> str:
    """From one block to the next; the next line is entered from the left."""
    y1, y2 = earlier.y + HEADER_HEIGHT / 2, later.y + HEADER_HEIGHT / 2
    x1, x2 = earlier.x + earlier.width, later.x - 1
    if later.y == earlier.y:
        return f'<path class="flow" marker-end="url(#to)" d="M{x1:.1f} {y1:.1f}H{x2:.1f}"/>'
    between = later.y - 16
    return (
        f'<path class="flow" marker-end="url(#to)" d="M{x1:.1f} {y1:.1f}h9V{between:.1f}'
        f'H{x2 + 40:.1f}V{later.y - 1:.1f}"/>'
        if y2 > y1
        else ""
    )


def _legend(y: float, *, has_critical: bool) -> Iterator[str]:
    entries = [("step", "step"), ("ready", "waits until ready"), ("script", "▷ script")]
    entries.append(("gate", "◆ people decide"))
    if has_critical:
        entries.append(("step critical", "probably decides how long it takes"))
    x = 12.0
    for kind, words in entries:
        yield f'<rect class="{kind}" x="{x:.1f}" y="{y - 11:.1f}" width="14" height="12" rx="3"/>'
        yield f'<text class="quiet" x="{x + 20:.1f}" y="{y:.1f}">{words}</text>'
        x += 20 + len(words) * 6.4 + 18
