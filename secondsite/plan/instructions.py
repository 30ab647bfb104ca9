"""Instructions of gates: Markdown with facts of the run in it, as a template without power."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["NOT_KNOWN", "Mention", "fill_in", "mentions", "syntax_fault"]

NOT_KNOWN = "not known yet"
_MOST_LETTERS = 20_000
_MEANS_SOMETHING = re.compile(r"([\\`*\[\]<>#|])")
"""To a Markdown reader: a fact is text, whoever wrote it (a name in a form, a VM's host)."""


class Mention(NamedTuple):
    """A fact that instructions name: its parts, and the line of the text that it is in."""

    parts: tuple[str, ...]
    line: int


def fill_in(text: str, facts: Mapping[str, Any]) -> str:
    """`text` with the facts in it.

    Raises:
        ValueError: it cannot be filled in; says why.
    """
    try:
        filled = _template(text).render(facts)
    except TemplateSyntaxError as error:
        raise ValueError(str(error.message)) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    return filled if len(filled) <= _MOST_LETTERS else f"{filled[:_MOST_LETTERS]} …"


def syntax_fault(text: str) -> tuple[str, int] | None:
    """What is wrong with the form of `text`, and in which line; None if nothing."""
    try:
        _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        return str(error.message), error.lineno
    return None


def mentions(text: str) -> Iterator[Mention]:
    """Every fact that `text` names; what it has defined itself is none. `text` is well formed."""
    tree = _ENVIRONMENT.parse(text)
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"} | {"loop"}
    yield from _mentions_in(tree, frozenset(own))


def _mentions_in(node: nodes.Node, own: frozenset[str]) -> Iterator[Mention]:
    parts = _parts(node)
    if parts:
        if parts[0] not in own and parts[0] not in _ENVIRONMENT.globals:
            yield Mention(parts, node.lineno)
        return
    for child in node.iter_child_nodes():
        yield from _mentions_in(child, own)


def _parts(node: nodes.Node) -> tuple[str, ...]:
    """`vms.sql01.addresses` as its three parts; nothing for what is no such chain."""
    match node:
        case nodes.Name(name=name, ctx="load"):
            return (name,)
        case nodes.Getattr(node=inner, attr=attribute):
            before = _parts(inner)
            return (*before, attribute) if before else ()
        case nodes.Getitem(node=inner, arg=nodes.Const(value=str(key))):
            before = _parts(inner)
            return (*before, key) if before else ()
        case _:
            return ()


def _said(value: Any) -> Any:
    """A fact as people read it."""
    match value:
        case Undefined():
            return value  # it raises when it is written
        case None | () | [] | "":
            return NOT_KNOWN
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case float():
            return f"{value:g}"
        case tuple() | list():
            return ", ".join(str(_said(each)) for each in value)
        case str():
            return _MEANS_SOMETHING.sub(r"\\\1", " ".join(value.split()))
        case _:
            return value


_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    finalize=_said,
    autoescape=False,  # Markdown, not HTML: `_said` keeps facts from being markup
    keep_trailing_newline=True,
)


def _template(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)
