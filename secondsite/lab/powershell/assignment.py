"""`target = value` and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secondsite.lab.powershell import operators
from secondsite.lab.powershell.conversion import as_array
from secondsite.lab.powershell.evaluate_expressions import (
    cast,
    evaluate,
    member_name,
    resolve_type,
)
from secondsite.lab.powershell.failures import runtime_error, unsupported
from secondsite.lab.powershell.functions import conversion_to
from secondsite.lab.powershell.indexing import write_index
from secondsite.lab.powershell.members import write_member
from secondsite.lab.powershell.scopes import ALIASED, Scope
from secondsite.lab.powershell.statics import write_static
from secondsite.lab.powershell.syntax import (
    ArrayLiteral,
    Assignment,
    Cast,
    Expression,
    Index,
    Member,
    Variable,
)
from secondsite.lab.powershell.type_names import TypeRef
from secondsite.lab.powershell.values import NOTHING

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace


def assign_statement(node: Assignment, runspace: Runspace) -> object:
    """Run an assignment; the value that was assigned."""
    value = runspace.statement_value(node.value)
    if node.operator != "=":
        left = evaluate(node.target, runspace)
        right = None if value is NOTHING else value
        value = operators.ARITHMETIC[node.operator[0]](left, right)
    assign(node.target, value, runspace)
    runspace.succeeded = True
    return value


def assign(target: Expression, value: object, runspace: Runspace) -> None:
    """Give a variable, property, element or list of those a value."""
    if isinstance(target, Variable):
        write_variable(target, value, runspace)
        return
    plain = None if value is NOTHING else value
    if isinstance(target, Member):
        owner = evaluate(target.target, runspace)
        name = member_name(target.name, runspace)
        if target.is_static:
            if not isinstance(owner, TypeRef):
                raise unsupported("a static member of anything but a type")
            write_static(owner.full_name, name, plain, runspace)
        else:
            write_member(owner, name, plain)
    elif isinstance(target, Index):
        write_index(evaluate(target.target, runspace), evaluate(target.index, runspace), plain)
    elif isinstance(target, Cast):
        type_name = resolve_type(target.type)
        converted = cast(plain, type_name, runspace)
        assign(target.operand, converted, runspace)
        if isinstance(target.operand, Variable):
            scope = _scope_of(target.operand, runspace)
            scope.constrain(target.operand.key, conversion_to(type_name))
    elif isinstance(target, ArrayLiteral):
        _assign_each(target.items, plain, runspace)
    else:
        raise runtime_error(
            "The assignment expression is not valid. The input to an assignment operator must be "
            "an object that is able to accept assignments, such as a variable or a property.",
            "InvalidLeftHandSide",
            category="ParserError",
        )


def _assign_each(targets: tuple[Expression, ...], value: object, runspace: Runspace) -> None:
    values = as_array(value)
    for index, target in enumerate(targets):
        if index == len(targets) - 1 and len(values) > len(targets):
            assign(target, values[index:], runspace)
        else:
            assign(target, values[index] if index < len(values) else None, runspace)


def _scope_of(node: Variable, runspace: Runspace) -> Scope:
    return runspace.scope.outermost() if node.scope in {"script", "global"} else runspace.scope


def write_variable(node: Variable, value: object, runspace: Runspace) -> None:
    """Give a variable a value in the scope that it names, else in the current one."""
    key = ALIASED.get(node.key, node.key)
    if node.scope == "env":
        runspace.environment[node.key] = "" if value is None else str(value)
        return
    if key == "null":
        return
    _scope_of(node, runspace).set(key, value)
