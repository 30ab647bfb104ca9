from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from secondsite.graph import Action, Operation, compile_graph
from secondsite.graph.drawing import draw_svg
from secondsite.graph.layout import BOX_HEIGHT, lay_out
from secondsite.plan.model import Plan
from tests.property.strategies import plans

SVG = "{http://www.w3.org/2000/svg}"


@settings(max_examples=50)
@given(plans(), st.sampled_from(Operation))
def test_every_step_is_drawn_once_and_none_over_another(plan: Plan, operation: Operation) -> None:
    graph = compile_graph(plan, operation=operation, cleanup=True, hold=True)

    layout = lay_out(graph)

    boxes = [box for block in layout.blocks for box in block.boxes]
    assert sorted(box.step.id for box in boxes) == sorted(
        step.id for step in graph if step.action is not Action.BARRIER
    )
    for one, other in combinations(boxes, 2):
        is_beside = one.x + one.width <= other.x or other.x + other.width <= one.x
        is_above = one.y + BOX_HEIGHT <= other.y or other.y + BOX_HEIGHT <= one.y
        assert is_beside or is_above, f"{one.step.id} and {other.step.id}"
    for block in layout.blocks:
        for box in block.boxes:
            assert block.x <= box.x
            assert box.x + box.width <= block.x + block.width
            assert box.y + BOX_HEIGHT <= block.y + block.height <= layout.height
            assert block.x + block.width <= layout.width


@settings(max_examples=50)
@given(plans(), st.sampled_from(Operation))
def test_blocks_do_not_overlap(plan: Plan, operation: Operation) -> None:
    layout = lay_out(compile_graph(plan, operation=operation, cleanup=True))

    for one, other in combinations(layout.blocks, 2):
        is_beside = one.x + one.width <= other.x or other.x + other.width <= one.x
        is_above = one.y + one.height <= other.y or other.y + other.height <= one.y
        assert is_beside or is_above, f"{one.title} and {other.title}"


def test_a_vm_that_depends_on_another_is_drawn_behind_it() -> None:
    groups = [{"name": "g", "vms": ["a", {"name": "b", "depends_on": ["a"]}, "c"]}]
    plan = Plan.model_validate({"name": "p", "protection": "x", "groups": groups})

    layout = lay_out(compile_graph(plan, operation=Operation.TEST))

    lanes = {lane.vm: lane for lane in layout.blocks[-1].lanes}
    assert lanes["b"].x > lanes["a"].end_x
    assert lanes["c"].x == lanes["a"].x
    ((first, second),) = layout.blocks[-1].links
    assert (first.vm, second.vm) == ("a", "b")


def test_the_picture_is_whole_whatever_people_call_their_vms() -> None:
    vm = '<script>alert("1")</script>&'
    groups = [{"name": "a & b", "before": [{"gate": "<ok?>"}], "vms": [vm]}]
    plan = Plan.model_validate({"name": "p", "protection": "x", "groups": groups})
    graph = compile_graph(plan, operation=Operation.TEST)

    svg = draw_svg(graph, title='"p" & <more>', critical=[graph.order()[-2]])

    root = ET.fromstring(svg)  # noqa: S314 - our own text
    titles = {element.text for element in root.iter(f"{SVG}title")}
    assert titles == {step.id for step in graph if step.action is not Action.BARRIER}
    assert not list(root.iter(f"{SVG}script"))
    assert root.get("aria-label") == '"p" & <more>'
    assert sum("critical" in (rect.get("class") or "") for rect in root.iter(f"{SVG}rect")) == 2


def test_the_picture_needs_nothing_from_elsewhere() -> None:
    plan = Plan.model_validate({"name": "p", "protection": "x", "groups": [{"name": "g"}]})

    svg = draw_svg(compile_graph(plan, operation=Operation.PLANNED), title="p")

    assert svg.count("http") == svg.count('xmlns="http://www.w3.org/2000/svg"') == 1
