"""The syntax tree: one small class per construct that the lab understands.

The tree is plain data. `parser` makes it, the `evaluate_*` modules run it; every node knows its
line, so that errors can name it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Node:
    """Anything in the tree; `line` counts from 1."""

    line: int


@dataclass(eq=False, slots=True)
class Expression(Node):
    """Something that has a value."""


@dataclass(eq=False, slots=True)
class Statement(Node):
    """Something that runs and may give output."""


@dataclass(eq=False, slots=True)
class Block(Node):
    """Statements in order."""

    statements: tuple[Statement, ...]


@dataclass(eq=False, slots=True)
class TypeName(Node):
    """A type as written, `string[]`, and its generic arguments."""

    name: str


@dataclass(eq=False, slots=True)
class Attribute(Node):
    """`[Name(positional, Key=value)]` on a parameter or parameter block."""

    name: str
    positional: tuple[Expression, ...]
    named: tuple[tuple[str, Expression | None], ...]


@dataclass(eq=False, slots=True)
class Parameter(Node):
    """One parameter of a function or script block."""

    name: str
    type: TypeName | None
    attributes: tuple[Attribute, ...]
    default: Expression | None


@dataclass(eq=False, slots=True)
class ScriptBlockAst(Node):
    """The inside of a script, a function or `{ ... }`."""

    parameters: tuple[Parameter, ...]
    attributes: tuple[Attribute, ...]
    has_param_block: bool
    begin: Block | None
    process: Block | None
    end: Block | None
    text: str
    is_filter: bool = False
    binding: object = field(default=None, repr=False)  # cache of functions.py


# Expressions


@dataclass(eq=False, slots=True)
class Literal(Expression):
    """A number or a constant string; `spelling` is how a bare number was written."""

    value: object
    spelling: str | None = None


@dataclass(eq=False, slots=True)
class Expandable(Expression):
    """A string with variables and sub-expressions in it."""

    parts: tuple[str | Expression, ...]


@dataclass(eq=False, slots=True)
class Variable(Expression):
    """`$name`; `scope` is empty, `script`, `global`, `local`, `private`, `env`; lower case."""

    name: str
    scope: str = ""
    key: str = ""


@dataclass(eq=False, slots=True)
class ArrayLiteral(Expression):
    """`a, b, c`."""

    items: tuple[Expression, ...]


@dataclass(eq=False, slots=True)
class ArrayExpression(Expression):
    """`@( ... )`."""

    body: Block


@dataclass(eq=False, slots=True)
class SubExpression(Expression):
    """`$( ... )`."""

    body: Block


@dataclass(eq=False, slots=True)
class Paren(Expression):
    """`( pipeline )`."""

    body: Statement


@dataclass(eq=False, slots=True)
class HashLiteral(Expression):
    """`@{ key = value }`."""

    pairs: tuple[tuple[Expression, Statement], ...]


@dataclass(eq=False, slots=True)
class ScriptBlockLiteral(Expression):
    """`{ ... }`."""

    ast: ScriptBlockAst


@dataclass(eq=False, slots=True)
class TypeLiteral(Expression):
    """`[name]`."""

    type: TypeName


@dataclass(eq=False, slots=True)
class Cast(Expression):
    """`[type] operand`."""

    type: TypeName
    operand: Expression


@dataclass(eq=False, slots=True)
class Unary(Expression):
    """`-not x`, `! x`, `-x`, `+x`, `-bnot x`, `-join x`, `-split x`, `, x`."""

    operator: str
    operand: Expression


@dataclass(eq=False, slots=True)
class Step(Expression):
    """`++` or `--`, before or after its variable."""

    operator: str
    is_prefix: bool
    target: Expression


@dataclass(eq=False, slots=True)
class Binary(Expression):
    """An operator between two operands; `operator` is lower case, `-eq`, `+`, `..`, `-f`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(eq=False, slots=True)
class Logical(Expression):
    """`-and`, `-or`, `-xor`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(eq=False, slots=True)
class Member(Expression):
    """`target.name` or `[type]::name`."""

    target: Expression
    name: Expression
    is_static: bool


@dataclass(eq=False, slots=True)
class MethodCall(Expression):
    """`target.name(arguments)` or `[type]::name(arguments)`."""

    target: Expression
    name: Expression
    arguments: tuple[Expression, ...]
    is_static: bool


@dataclass(eq=False, slots=True)
class Index(Expression):
    """`target[index]`."""

    target: Expression
    index: Expression


# Commands and statements


@dataclass(eq=False, slots=True)
class Redirection(Node):
    """`2>$null` (`target` is "null") or `2>&1` (`target` is "output"); `stream` 1-6 or `*`."""

    stream: str
    target: str


@dataclass(eq=False, slots=True)
class Argument(Node):
    """One argument of a command: `-Name`, `-Name:value`, a value, or `@splat`."""

    parameter: str | None
    value: Expression | None
    splat: Variable | None = None


@dataclass(eq=False, slots=True)
class Command(Node):
    """`name arguments`, `& target arguments`, `. target arguments`."""

    name: Expression
    arguments: tuple[Argument, ...]
    operator: str
    redirections: tuple[Redirection, ...]
    text: str = ""
    column: int = 1
    line_text: str = ""


@dataclass(eq=False, slots=True)
class CommandExpression(Node):
    """An expression where a command could be: the first of a pipeline."""

    expression: Expression
    redirections: tuple[Redirection, ...]


@dataclass(eq=False, slots=True)
class Pipeline(Statement):
    """`a | b | c`."""

    elements: tuple[Command | CommandExpression, ...]


@dataclass(eq=False, slots=True)
class Assignment(Statement):
    """`target = value`; `operator` is `=`, `+=`, ..."""

    target: Expression
    operator: str
    value: Statement


@dataclass(eq=False, slots=True)
class If(Statement):
    """`if`/`elseif` clauses and `else`."""

    clauses: tuple[tuple[Statement, Block], ...]
    otherwise: Block | None


@dataclass(eq=False, slots=True)
class While(Statement):
    """`while (condition) { }`."""

    condition: Statement
    body: Block
    label: str = ""


@dataclass(eq=False, slots=True)
class DoLoop(Statement):
    """`do { } while (condition)` or `until`."""

    body: Block
    condition: Statement
    until: bool
    label: str = ""


@dataclass(eq=False, slots=True)
class For(Statement):
    """`for (start; condition; step) { }`."""

    start: Statement | None
    condition: Statement | None
    step: Statement | None
    body: Block
    label: str = ""


@dataclass(eq=False, slots=True)
class ForEach(Statement):
    """`foreach ($variable in values) { }`."""

    variable: Variable
    values: Statement
    body: Block
    label: str = ""


@dataclass(eq=False, slots=True)
class Switch(Statement):
    """`switch -flag (value) { pattern { } default { } }`; mode: exact, wildcard or regex."""

    value: Statement
    mode: str
    case_sensitive: bool
    clauses: tuple[tuple[Expression, Block], ...]
    default: Block | None
    label: str = ""


@dataclass(eq=False, slots=True)
class CatchClause(Node):
    """`catch [type] { }`; without types it catches everything."""

    types: tuple[TypeName, ...]
    body: Block


@dataclass(eq=False, slots=True)
class Try(Statement):
    """`try { } catch { } finally { }`."""

    body: Block
    catches: tuple[CatchClause, ...]
    last: Block | None


@dataclass(eq=False, slots=True)
class Flow(Statement):
    """`return`, `throw` or `exit`, with its optional pipeline."""

    keyword: str
    value: Statement | None


@dataclass(eq=False, slots=True)
class Jump(Statement):
    """`break` or `continue`, with its optional label."""

    keyword: str
    label: str


@dataclass(eq=False, slots=True)
class FunctionDefinition(Statement):
    """`function name { }`."""

    name: str
    body: ScriptBlockAst
