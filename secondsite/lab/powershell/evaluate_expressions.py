"""Values of expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from secondsite.lab.powershell import operators, patterns
from secondsite.lab.powershell.conversion import (
    cast_error,
    convert,
    enumerate_value,
    is_number,
    to_bool,
    to_custom_object,
    to_number,
)
from secondsite.lab.powershell.failures import (
    ConversionFailure,
    PsError,
    runtime_error,
    unsupported,
)
from secondsite.lab.powershell.indexing import read_index
from secondsite.lab.powershell.members import call_method, read_member
from secondsite.lab.powershell.statics import call_static, read_static
from secondsite.lab.powershell.syntax import (
    ArrayExpression,
    ArrayLiteral,
    Binary,
    Cast,
    Expandable,
    Expression,
    HashLiteral,
    Index,
    Literal,
    Logical,
    Member,
    MethodCall,
    Paren,
    ScriptBlockLiteral,
    Step,
    SubExpression,
    TypeLiteral,
    TypeName,
    Unary,
    Variable,
)
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.type_names import TypeRef, is_instance, resolve
from secondsite.lab.powershell.values import (
    NOTHING,
    PsHashtable,
    PsObject,
    ScriptBlock,
)

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace

Evaluate = Callable[[Any, "Runspace"], object]


def evaluate(node: Expression, runspace: Runspace) -> object:
    """The value of an expression; no output counts as null."""
    value = EVALUATORS[type(node)](node, runspace)
    return None if value is NOTHING else value


def evaluate_raw(node: Expression, runspace: Runspace) -> object:
    """The value of an expression, or `NOTHING` where a pipeline in it gave none."""
    return EVALUATORS[type(node)](node, runspace)


def _literal(node: Literal, runspace: Runspace) -> object:
    del runspace
    return node.value


def _expandable(node: Expandable, runspace: Runspace) -> object:
    return "".join(
        part if isinstance(part, str) else to_text(evaluate(part, runspace)) for part in node.parts
    )


def _variable(node: Variable, runspace: Runspace) -> object:
    return runspace.read_variable(node)


def _array_literal(node: ArrayLiteral, runspace: Runspace) -> object:
    return [evaluate(item, runspace) for item in node.items]


def _array_expression(node: ArrayExpression, runspace: Runspace) -> object:
    output: list[object] = []
    runspace.run_block(node.body, output.append)
    return output


def _sub_expression(node: SubExpression, runspace: Runspace) -> object:
    output: list[object] = []
    runspace.run_block(node.body, output.append)
    return runspace.collapse(output)


def _paren(node: Paren, runspace: Runspace) -> object:
    return runspace.statement_value(node.body)


def _hash_literal(node: HashLiteral, runspace: Runspace) -> object:
    return _hashtable(node, runspace, ordered=False)


def _hashtable(node: HashLiteral, runspace: Runspace, *, ordered: bool) -> PsHashtable:
    table = PsHashtable(ordered=ordered)
    for key_node, value_node in node.pairs:
        key = evaluate(key_node, runspace)
        if key is None:
            raise runtime_error("A null key is not allowed in a hash literal.", "InvalidNullKey")
        if key in table:
            raise runtime_error(
                f"Duplicate keys '{to_text(key)}' are not allowed in hash literals.",
                "DuplicateKeyInHashLiteral",
            )
        value = runspace.statement_value(value_node)
        table[key] = None if value is NOTHING else value
    return table


def _script_block(node: ScriptBlockLiteral, runspace: Runspace) -> object:
    del runspace
    return ScriptBlock(node.ast)


def resolve_type(node: TypeName) -> str:
    """Full name of a type as written.

    Raises:
        PsError: the lab does not know it.
    """
    name = resolve(node.name)
    if name is None:
        raise unsupported(f"the type [{node.name}]")
    return name


def _type_literal(node: TypeLiteral, runspace: Runspace) -> object:
    del runspace
    return TypeRef(resolve_type(node.type))


def _cast(node: Cast, runspace: Runspace) -> object:
    written = node.type.name.lower()
    if isinstance(node.operand, HashLiteral):
        if written == "ordered":
            return _hashtable(node.operand, runspace, ordered=True)
        if written in {"pscustomobject", "psobject"}:
            return to_custom_object(_hashtable(node.operand, runspace, ordered=True))
    if written == "ordered":
        raise runtime_error(
            "The ordered attribute can be specified only on a hash literal node.",
            "OrderedAttributeOnlyOnHashLiteralNode",
            category="ParserError",
        )
    value = evaluate(node.operand, runspace)
    return cast(value, resolve_type(node.type), runspace)


def cast(value: object, full_name: str, runspace: Runspace) -> object:
    """`[full_name] value`, with PowerShell's error."""
    if full_name == "System.Management.Automation.ScriptBlock" and isinstance(value, str):
        return runspace.create_block(value)
    if full_name.endswith("Exception") and isinstance(value, str):
        return call_static(full_name, "new", [value], runspace)
    if full_name == "System.Text.RegularExpressions.Regex" and isinstance(value, str):
        return call_static(full_name, "new", [value], runspace)
    try:
        return convert(value, full_name, runspace.zone)
    except ConversionFailure as failure:
        raise cast_error(value, full_name, failure) from None


def _unary(node: Unary, runspace: Runspace) -> object:
    value = evaluate(node.operand, runspace)
    operator = node.operator
    if operator in {"!", "-not"}:
        return not to_bool(value)
    if operator == ",":
        return [value]
    if operator == "-":
        return operators.negate(value)
    if operator == "+":
        return to_number(value)
    if operator == "-join":
        return patterns.join(value, "")
    if operator == "-bnot":
        return ~int(to_number(value))
    return patterns.split_words(value)


def _step(node: Step, runspace: Runspace) -> object:
    old = evaluate(node.target, runspace)
    if old is not None and not is_number(old):
        raise runtime_error(
            f"The '{node.operator}' operator works only on numbers. The operand is a "
            f"'{to_text(old)}'.",
            "OperatorRequiresNumber",
        )
    new = operators.add(old or 0, 1 if node.operator == "++" else -1)
    runspace.assign(node.target, new)
    return new if node.is_prefix else (old or 0)


def _logical(node: Logical, runspace: Runspace) -> object:
    left = to_bool(evaluate(node.left, runspace))
    if node.operator == "-and":
        return left and to_bool(evaluate(node.right, runspace))
    if node.operator == "-or":
        return left or to_bool(evaluate(node.right, runspace))
    return left != to_bool(evaluate(node.right, runspace))


def _binary(node: Binary, runspace: Runspace) -> object:
    left = evaluate(node.left, runspace)
    right = evaluate(node.right, runspace)
    simple = operators.ARITHMETIC.get(node.operator)
    if simple is not None:
        return simple(left, right)
    return binary(node.operator, left, right, runspace)


def binary(operator: str, left: object, right: object, runspace: Runspace) -> object:
    """A word operator on two values."""
    if operator in {"-is", "-isnot"}:
        return _is(left, right) == (operator == "-is")
    if operator == "-as":
        return _as(left, right, runspace)
    if operator in {"-band", "-bor", "-bxor"}:
        return operators.bitwise(operator, left, right)
    name, case = operators.split_case(operator)
    if name in {"match", "notmatch"}:
        return _match(left, right, runspace, case=case, negated=name == "notmatch")
    if name in {"contains", "notcontains"}:
        return operators.contains(left, right, case=case) == (name == "contains")
    if name in {"in", "notin"}:
        return operators.contains(right, left, case=case) == (name == "in")
    if name == "replace":
        return patterns.replace(left, right, case=case)
    if name == "split":
        return patterns.split(left, right, case=case)
    return operators.compare(name, left, right, case=case)


def _is(left: object, right: object) -> bool:
    if isinstance(right, TypeRef):
        return is_instance(left, right.full_name)
    name = resolve(to_text(right))
    if name is None:
        raise unsupported(f"the type [{to_text(right)}]")
    return is_instance(left, name)


def _as(left: object, right: object, runspace: Runspace) -> object:
    name = right.full_name if isinstance(right, TypeRef) else resolve(to_text(right))
    if name is None:
        raise unsupported(f"the type [{to_text(right)}]")
    try:
        return convert(left, name, runspace.zone)
    except (ConversionFailure, PsError):
        return None


def _match(left: object, right: object, runspace: Runspace, *, case: bool, negated: bool) -> object:
    pattern = patterns.regex(to_text(right), case=case)
    items = enumerate_value(left)
    if items is not None:
        return [each for each in items if (pattern.search(to_text(each)) is None) == negated]
    found = pattern.search(to_text(left))
    if found is not None:
        names = {number: name for name, number in pattern.groupindex.items()}
        table = PsHashtable()
        for number in range(pattern.groups + 1):
            text = found.group(number)
            if text is not None:
                table[names.get(number, number)] = text
        runspace.scope.variables["matches"] = table
    return (found is None) == negated


def member_name(node: Expression, runspace: Runspace) -> str:
    """The name in `target.name`, which may be an expression."""
    if type(node) is Literal and type(node.value) is str:
        return node.value
    return to_text(evaluate(node, runspace))


def _member(node: Member, runspace: Runspace) -> object:
    target = evaluate(node.target, runspace)
    name = member_name(node.name, runspace)
    if node.is_static:
        return read_static(_type_of_target(target), name, runspace)
    if type(target) is PsObject:
        key = target.resolve(name)
        if key is not None:
            return target.properties.get(key)
    return read_member(target, name, runspace)


def _type_of_target(target: object) -> str:
    if isinstance(target, TypeRef):
        return target.full_name
    name = resolve(to_text(target))
    if name is None:
        raise unsupported(f"static members of {to_text(target)}")
    return name


def _method_call(node: MethodCall, runspace: Runspace) -> object:
    target = evaluate(node.target, runspace)
    name = member_name(node.name, runspace)
    arguments = [evaluate(each, runspace) for each in node.arguments]
    if node.is_static:
        result = call_static(_type_of_target(target), name, arguments, runspace)
    else:
        result = call_method(target, name, arguments, runspace)
    return NOTHING if result is None else result


def _index(node: Index, runspace: Runspace) -> object:
    target = evaluate(node.target, runspace)
    return read_index(target, evaluate(node.index, runspace), runspace)


EVALUATORS: Final[dict[type, Evaluate]] = {
    Literal: _literal,
    Expandable: _expandable,
    Variable: _variable,
    ArrayLiteral: _array_literal,
    ArrayExpression: _array_expression,
    SubExpression: _sub_expression,
    Paren: _paren,
    HashLiteral: _hash_literal,
    ScriptBlockLiteral: _script_block,
    TypeLiteral: _type_literal,
    Cast: _cast,
    Unary: _unary,
    Step: _step,
    Logical: _logical,
    Binary: _binary,
    Member: _member,
    MethodCall: _method_call,
    Index: _index,
}
