"""The parser's half for expressions: operators, members, strings, literals.

Precedence, loosest first (PowerShell language specification 3.0, §7): logical, bitwise,
comparison, additive, multiplicative, format, range, comma, unary and cast, postfix.
"""

from __future__ import annotations

import re
from typing import Final

from secondsite.lab.powershell.parse_strings import StringParser
from secondsite.lab.powershell.scanner import WORD
from secondsite.lab.powershell.syntax import (
    ArrayExpression,
    ArrayLiteral,
    Binary,
    Cast,
    Expression,
    HashLiteral,
    Index,
    Literal,
    Logical,
    Member,
    MethodCall,
    Paren,
    ScriptBlockAst,
    ScriptBlockLiteral,
    Statement,
    Step,
    SubExpression,
    TypeLiteral,
    TypeName,
    Unary,
)
from secondsite.lab.powershell.wording import words

_COMPARED: Final = words(
    """
    eq ne gt ge lt le like notlike match notmatch contains notcontains in notin replace split
    """
)
COMPARISON: Final = frozenset(
    [f"-{name}" for name in _COMPARED]
    + [f"-{prefix}{name}" for name in _COMPARED for prefix in "ci"]
    + ["-is", "-isnot", "-as", "-join"]
)
BITWISE: Final = frozenset({"-band", "-bor", "-bxor"})
LOGICAL: Final = frozenset({"-and", "-or", "-xor"})
UNARY_WORDS: Final = frozenset({"-not", "-bnot", "-join", "-split", "-csplit", "-isplit"})
OPERATOR_WORD: Final = re.compile(r"-[A-Za-z]+(?![\w-])")
TYPE_NAME: Final = re.compile(r"[A-Za-z_][\w.+`]*")


class ExpressionParser(StringParser):
    """Reads expressions; statements and commands inside them are read by the subclasses."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._commas_separate = False

    def read_pipeline_statement(self) -> Statement:
        """One pipeline or assignment."""
        raise NotImplementedError

    def read_statement(self) -> Statement:
        """One statement of any kind."""
        raise NotImplementedError

    def read_script_block(self, end: str) -> ScriptBlockAst:
        """The inside of a script block up to `end`, and `end` itself."""
        raise NotImplementedError

    # Operators

    def _peek_operator(self) -> str:
        """The word operator that is next after blanks, lower case; empty if none."""
        self.skip_blanks()
        if not self.text.startswith("-", self.pos):
            return ""
        match = OPERATOR_WORD.match(self.text, self.pos)
        return match.group().lower() if match else ""

    def read_expression(self) -> Expression:
        """An expression, commas included."""
        left = self._read_bitwise()
        while (operator := self._peek_operator()) in LOGICAL:
            line = self.line
            self._step_over(operator)
            left = Logical(line, operator, left, self._read_bitwise())
        if operator in {"-shl", "-shr"}:
            self.unsupported(f"the operator {operator}")
        return left

    def _step_over(self, operator: str) -> None:
        self.pos += len(operator)
        self.skip_lines()

    def _read_bitwise(self) -> Expression:
        left = self._read_comparison()
        while (operator := self._peek_operator()) in BITWISE:
            line = self.line
            self._step_over(operator)
            left = Binary(line, operator, left, self._read_comparison())
        return left

    def _read_comparison(self) -> Expression:
        left = self._read_additive()
        while (operator := self._peek_operator()) in COMPARISON:
            line = self.line
            self._step_over(operator)
            left = Binary(line, operator, left, self._read_additive())
        return left

    def _read_additive(self) -> Expression:
        left = self._read_multiplicative()
        while True:
            self.skip_blanks()
            operator = self.peek()
            if operator not in {"+", "-"} or self.peek(2) in {"+=", "-=", "++", "--"}:
                return left
            if operator == "-" and OPERATOR_WORD.match(self.text, self.pos):
                return left
            line = self.line
            self._step_over(operator)
            left = Binary(line, operator, left, self._read_multiplicative())

    def _read_multiplicative(self) -> Expression:
        left = self._read_format()
        while True:
            self.skip_blanks()
            operator = self.peek()
            if operator not in {"*", "/", "%"} or not operator or self.peek(2)[1:] == "=":
                return left
            line = self.line
            self._step_over(operator)
            left = Binary(line, operator, left, self._read_format())

    def _read_format(self) -> Expression:
        left = self._read_range()
        while self._peek_operator() == "-f":
            line = self.line
            self._step_over("-f")
            left = Binary(line, "-f", left, self._read_range())
        return left

    def _read_range(self) -> Expression:
        left = self._read_comma_list()
        while True:
            self.skip_blanks()
            if self.peek(2) != "..":
                return left
            line = self.line
            self._step_over("..")
            left = Binary(line, "..", left, self._read_comma_list())

    def _read_comma_list(self) -> Expression:
        line = self.line
        first = self.read_unary()
        items = [first]
        while not self._commas_separate:
            self.skip_blanks()
            if not self.accept(","):
                break
            self.skip_lines()
            items.append(self.read_unary())
        return first if len(items) == 1 else ArrayLiteral(line, tuple(items))

    def read_unary(self) -> Expression:
        """An operand with the operators and casts before it."""
        self.skip_blanks()
        line = self.line
        char = self.peek()
        if char in {"-", "+"}:
            return self._read_signed(char, line)
        if char in {"!", ","}:
            self._step_over(char)
            return Unary(line, char, self.read_unary())
        if char == "[":
            type_name = self.read_type()
            return self._read_after_type(type_name, line)
        return self.read_postfix(self.read_primary())

    def _read_signed(self, char: str, line: int) -> Expression:
        word = self._peek_operator()
        if word in UNARY_WORDS:
            self._step_over(word)
            return Unary(line, word, self.read_unary())
        if self.peek(2) in {"++", "--"}:
            operator = self.peek(2)
            self._step_over(operator)
            return Step(line, operator, is_prefix=True, target=self.read_unary())
        if word:
            self.fail(f"You must provide a value expression before the '{word}' operator.")
        self._step_over(char)
        number = self.read_number()
        if number is not None and isinstance(number[0], int | float):
            value = -number[0] if char == "-" else number[0]
            return self.read_postfix(Literal(line, value))
        return Unary(line, char, self.read_unary())

    def _read_after_type(self, type_name: TypeName, line: int) -> Expression:
        literal = TypeLiteral(line, type_name)
        if self.peek(2) == "::" or self.peek() == ".":
            return self.read_postfix(literal)
        self.skip_blanks()
        char = self.peek()
        if char and (char in "$@('\"[{" or char.isdigit()):
            return Cast(line, type_name, self.read_unary())
        if char in {"-", "+", "!"} and not (
            char == "-" and self._peek_operator() not in {"", *UNARY_WORDS}
        ):
            return Cast(line, type_name, self.read_unary())
        return literal

    # Types

    def read_type(self) -> TypeName:
        """`[name]`, with array and generic brackets; the place is on the bracket."""
        line = self.line
        self.expect("[", "before a type name")
        name = self._read_type_inside()
        self.expect("]", "after the type name")
        return TypeName(line, name)

    def _read_type_inside(self) -> str:
        self.skip_blanks()
        match = TYPE_NAME.match(self.text, self.pos)
        if not match:
            self.fail("Missing type name after '['.", error_id="MissingTypename")
        self.pos = match.end()
        name = match.group()
        while self.peek() == "[":
            self.pos += 1
            if self.accept("]"):
                name += "[]"
                continue
            inner = [self._read_type_inside()]
            self.skip_blanks()
            while self.accept(","):
                inner.append(self._read_type_inside())
                self.skip_blanks()
            self.expect("]", "after the type arguments")
            name += f"[{','.join(inner)}]"
        self.skip_blanks()
        return name

    # Operands

    def read_primary(self) -> Expression:
        """An operand without operators around it."""
        before, self._commas_separate = self._commas_separate, False
        try:
            return self._read_operand()
        finally:
            self._commas_separate = before

    def _read_operand(self) -> Expression:
        line = self.line
        char = self.peek()
        if char == "$":
            if self.accept("$("):
                return SubExpression(line, self.read_block(")"))
            return self.read_variable()
        if char == "'":
            return Literal(line, self.read_single_quoted())
        if char == '"':
            return self.read_double_quoted()
        if char == "(":
            return self._read_paren(line)
        if char == "{":
            self.pos += 1
            return ScriptBlockLiteral(line, self.read_script_block("}"))
        if char == "@":
            return self._read_at(line)
        if char.isdigit() or char == ".":
            number = self.read_number()
            if number is not None:
                return Literal(line, number[0], number[1])
        self.refuse_smart_quotes()
        word = self.peek_word()
        if word and self.text[self.pos - 1 : self.pos] in {"=", "("}:
            self.unsupported(f"the word {word} as a value")
        found = self.text[self.pos : self.pos + 20].split("\n", maxsplit=1)[0] or "the end"
        raise self.failure(
            f"An expression was expected; found '{found}'.", error_id="ExpectedExpression"
        )

    def _read_paren(self, line: int) -> Expression:
        self.pos += 1
        self.skip_lines()
        body = self.read_pipeline_statement()
        self.skip_lines()
        self.expect(")", "after the expression")
        return Paren(line, body)

    def _read_at(self, line: int) -> Expression:
        following = self.peek(2)
        if following == "@(":
            self.pos += 2
            return ArrayExpression(line, self.read_block(")"))
        if following == "@{":
            self.pos += 2
            return self._read_hash(line)
        if following in {"@'", '@"'}:
            raw, expands = self.read_here_string()
            return self.expand(raw, line) if expands else Literal(line, raw)
        if following[1:].isalpha() or following[1:] == "_":
            self.fail("The splatting operator '@' can only be used as an argument to a command.")
        raise self.failure("Unrecognized token '@'.")

    def _read_hash(self, line: int) -> Expression:
        pairs: list[tuple[Expression, Statement]] = []
        while True:
            self.skip_separators()
            if self.accept("}"):
                return HashLiteral(line, tuple(pairs))
            match = WORD.match(self.text, self.pos)
            if match:
                key: Expression = Literal(self.line, match.group())
                self.pos = match.end()
            else:
                key = self.read_unary()
            self.skip_blanks()
            self.expect("=", "after a key in the hash literal")
            self.skip_lines()
            pairs.append((key, self.read_statement()))

    def read_postfix(self, target: Expression) -> Expression:
        """What follows an operand without a blank: members, indexes, calls, `++`."""
        while True:
            line = self.line
            if self.peek(2) == "::":
                self.pos += 2
                target = self._read_member(target, line, is_static=True)
            elif self.peek() == "." and self.peek(2) != "..":
                self.pos += 1
                target = self._read_member(target, line, is_static=False)
            elif self.peek() == "[":
                target = Index(line, target, self._read_index())
            elif self.peek(2) in {"++", "--"}:
                operator = self.peek(2)
                self.pos += 2
                return Step(line, operator, is_prefix=False, target=target)
            else:
                return target

    def _read_index(self) -> Expression:
        before, self._commas_separate = self._commas_separate, False
        self.pos += 1
        self.skip_lines()
        index = self.read_expression()
        self.skip_lines()
        self.expect("]", "after the index expression")
        self._commas_separate = before
        return index

    def _read_member(self, target: Expression, line: int, *, is_static: bool) -> Expression:
        self.skip_blanks()
        word = WORD.match(self.text, self.pos)
        if word:
            name: Expression = Literal(line, word.group())
            self.pos = word.end()
        elif self.peek() and self.peek() in "$'\"(":
            name = self.read_primary()
        else:
            self.fail("Missing property name after reference operator.")
        if not self.accept("("):
            return Member(line, target, name, is_static)
        arguments = []
        self.skip_lines()
        while not self.accept(")"):
            arguments.append(self._read_method_argument())
            self.skip_lines()
            if not self.accept(","):
                self.expect(")", "in method call")
                break
            self.skip_lines()
        return MethodCall(line, target, name, tuple(arguments), is_static)

    def _read_method_argument(self) -> Expression:
        """An expression whose top-level commas separate arguments instead of making an array."""
        before, self._commas_separate = self._commas_separate, True
        try:
            return self.read_expression()
        finally:
            self._commas_separate = before
