"""Where the parts of a run graph's picture go: phases as blocks, VMs as lanes. Pure geometry.

Blocks stand side by side in the order of the run, and wrap like words. In a block each VM has a
lane with its steps as a chain; a VM that waits for another of its group begins further right. Hooks
stand in a column before or after the lanes. All lengths are in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from secondsite.graph.names import escape
from secondsite.graph.rungraph import RunGraph
from secondsite.graph.steps import Action, Step, StepId

__all__ = ["Block", "Box", "Lane", "Layout", "lay_out"]

LANE_HEIGHT = 26.0
BOX_HEIGHT = 20.0
HEADER_HEIGHT = 30.0
_PADDING = 12.0
_GAP = 24.0
_BLOCK_GAP = 26.0
_LINE_GAP = 34.0
_MAX_WIDTH = 1500.0
_CHARACTER = 6.4
_MAX_LABEL = 30

_SHORT = {
    Action.MAKE_NETWORKS: "make networks",
    Action.CONNECT: "network",
    Action.DNS: "DNS",
    Action.RESTORE_DNS: "DNS back",
    Action.ROLLBACK_DNS: "DNS back",
    Action.PREPARE_DNS: "lower TTLs",
    Action.RESTORE_TTL: "TTLs back",
    Action.SETTLE: "DNS once more",
}
_TITLES = {
    Action.PREFLIGHT: "Preflight",
    Action.PREPARE: "Send last changes",
    Action.MAKE_NETWORKS: "Fail over",
    Action.GRANT: "Take addresses",
    Action.GIVE_BACK: "Give addresses back",
    Action.FAILOVER: "Fail over",
    Action.CONNECT: "Fail over",
    Action.REVERSE: "Reverse replication",
    Action.FENCE: "Reverse replication",
    Action.COMMIT: "Commit",
    Action.UNDO: "Undo",
    Action.PREPARE_DNS: "Lower TTLs",
    Action.ROLLBACK_DNS: "DNS back",
    Action.RESTORE_TTL: "Commit",
    Action.SETTLE: "Look once more",
    Action.CLEANUP: "Clean up",
    Action.NETWORKS: "Clean up",
}


@dataclass(slots=True)
class Box:
    """One step, relative to the picture's corner."""

    step: Step
    label: str
    x: float
    y: float
    width: float


@dataclass(slots=True)
class Lane:
    """One VM in one block."""

    vm: str
    x: float
    y: float
    label_width: float
    boxes: list[Box] = field(default_factory=list)

    @property
    def end_x(self) -> float:
        """Its right edge."""
        last = self.boxes[-1]
        return last.x + last.width


@dataclass(slots=True)
class Block:
    """One phase or group.

    Attributes:
        links: From the end of one lane to the begin of another that waits for it.
    """

    title: str
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    before: list[Box] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    after: list[Box] = field(default_factory=list)
    links: list[tuple[Lane, Lane]] = field(default_factory=list)

    @property
    def boxes(self) -> list[Box]:
        """Every step in it."""
        return [*self.before, *(box for lane in self.lanes for box in lane.boxes), *self.after]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The whole picture."""

    width: float
    height: float
    blocks: tuple[Block, ...]


def lay_out(graph: RunGraph) -> Layout:
    """The layout of `graph`, from left to right and wrapped to a readable width."""
    contents: dict[str, list[Step]] = {}
    undo = any(step.action is Action.UNDO for step in graph)
    for step in graph:
        if step.action is not Action.BARRIER:
            contents.setdefault(_title(step, is_undo=undo), []).append(step)
    blocks = [_block(title, steps, graph) for title, steps in contents.items()]
    x = y = _PADDING
    line_height = width = 0.0
    for block in blocks:
        if x > _PADDING and x + block.width > _MAX_WIDTH:
            x, y, line_height = _PADDING, y + line_height + _LINE_GAP, 0.0
        _move(block, x, y)
        width = max(width, x + block.width + _PADDING)
        x += block.width + _BLOCK_GAP
        line_height = max(line_height, block.height)
    return Layout(width=width, height=y + line_height + _PADDING, blocks=tuple(blocks))


def _title(step: Step, *, is_undo: bool) -> str:
    if step.action is Action.SHUTDOWN:
        return f"Shut down: {step.group}"
    if step.action is Action.RESTORE_DNS:
        return "Undo" if is_undo else "Clean up"
    if step.action in _TITLES:
        return _TITLES[step.action]
    if step.group:
        return f"Start: {step.group}"
    place = step.id.rpartition("/")[0]
    return {
        "shutdown/before": "Before the shutdown",
        "shutdown/after": "After the shutdown",
        "failover/before": _TITLES[Action.FAILOVER],
        "failover/after": _TITLES[Action.FAILOVER],
    }.get(place, "Hold")


def _block(title: str, steps: list[Step], graph: RunGraph) -> Block:
    block = Block(title=title)
    rows: dict[str, list[Step]] = {}
    for step in steps:
        if step.vm is not None:
            rows.setdefault(step.vm.name, []).append(step)
        else:
            column = block.after if _is_after(step) and rows else block.before
            label = _clip(_label(step))
            column.append(Box(step=step, label=label, x=0, y=0, width=_width(label)))
    inner = _PADDING
    inner = _place_column(block.before, inner)
    inner = _place_lanes(block, rows, graph, inner)
    inner = _place_column(block.after, inner)
    count = max(len(block.before), len(block.lanes), len(block.after))
    block.width = max(inner - _GAP + _PADDING, len(title) * 7.4 + 2 * _PADDING)
    block.height = HEADER_HEIGHT + count * LANE_HEIGHT + _PADDING / 2
    return block


def _is_after(step: Step) -> bool:
    prefix = escape(step.group) if step.group else "failover"
    return step.id.startswith(f"{prefix}/after/") or step.action is Action.NETWORKS


def _place_column(column: list[Box], x: float) -> float:
    if not column:
        return x
    width = max(box.width for box in column)
    for index, box in enumerate(column):
        box.x, box.y, box.width = x, HEADER_HEIGHT + index * LANE_HEIGHT, width
    return x + width + _GAP


def _place_lanes(block: Block, rows: Mapping[str, list[Step]], graph: RunGraph, x: float) -> float:
    if not rows:
        return x
    label_width = max(_width(_clip(vm)) for vm in rows)
    lane_of_last: dict[StepId, Lane] = {}
    right = x
    for index, (vm, steps) in enumerate(rows.items()):
        first = {before for before in graph.waits_for(steps[0].id) if before in lane_of_last}
        others = [lane_of_last[before] for before in first]
        start = max((lane.end_x + _GAP for lane in others), default=x)
        lane = Lane(
            vm=_clip(vm),
            x=start,
            y=HEADER_HEIGHT + index * LANE_HEIGHT,
            label_width=label_width,
        )
        cursor = start + label_width
        for step in steps:
            label = _clip(_label(step))
            lane.boxes.append(Box(step=step, label=label, x=cursor, y=lane.y, width=_width(label)))
            cursor += lane.boxes[-1].width + 3
        block.lanes.append(lane)
        block.links += [(other, lane) for other in others]
        lane_of_last[steps[-1].id] = lane
        right = max(right, lane.end_x)
    return right + _GAP


def _label(step: Step) -> str:
    if step.action is Action.SCRIPT:
        return "▷ " + step.title.replace("\\", "/").rpartition("/")[2].removesuffix(".ps1")
    if step.action is Action.GATE:
        return "◆ " + step.title
    return _SHORT.get(step.action, str(step.action))


def _clip(text: str) -> str:
    return text if len(text) <= _MAX_LABEL else text[: _MAX_LABEL - 1] + "…"


def _width(text: str) -> float:
    return len(text) * _CHARACTER + 14


def _move(block: Block, x: float, y: float) -> None:
    block.x, block.y = x, y
    for box in block.boxes:
        box.x += x
        box.y += y
    for lane in block.lanes:
        lane.x += x
        lane.y += y
