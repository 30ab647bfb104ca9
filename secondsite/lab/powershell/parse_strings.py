"""The parser's part for variables and for text with variables in it."""

from __future__ import annotations

import re

from secondsite.lab.powershell.scanner import ESCAPES, VARIABLE, Scanner
from secondsite.lab.powershell.syntax import (
    Block,
    Expandable,
    Expression,
    Literal,
    SubExpression,
    Variable,
)


class StringParser(Scanner):
    """Reads variables and strings; blocks inside them are read by the subclasses."""

    def read_block(self, end: str) -> Block:
        """Statements up to `end`, and `end` itself."""
        raise NotImplementedError

    def read_variable(self) -> Variable:
        """`$name`, `$scope:name`, `${any name}`."""
        line = self.line
        match = VARIABLE.match(self.text, self.pos)
        if not match:
            self.fail("Variable reference is not valid: '$' was not followed by a name.")
        self.pos = match.end()
        return self._variable_of(match, line)

    def _variable_of(self, match: re.Match[str], line: int) -> Variable:
        name = match["name"]
        scope = (match["scope"] or "").lower()
        if match["braced"]:
            name = match["braced"].replace("`", "")
            head, colon, tail = name.partition(":")
            if colon and head.isalnum():
                scope, name = head.lower(), tail
        if scope == "using":
            self.unsupported("$using:")
        if scope not in {"", "script", "global", "local", "private", "env", "variable"}:
            self.unsupported(f"${scope}:")
        return Variable(line, name, "" if scope == "variable" else scope, name.lower())

    def read_double_quoted(self) -> Expression:
        """A string in double quotes; the place is on the opening quote."""
        line = self.line
        self.pos += 1
        parts: list[str | Expression] = []
        text: list[str] = []
        while True:
            if self.at_end():
                self.fail('The string is missing the terminator: ".', error_id="TerminatorExpected")
            char = self.text[self.pos]
            if char == '"':
                if self.peek(2) != '""':
                    self.pos += 1
                    return self._string_of(parts, text, line)
                text.append('"')
                self.pos += 2
            else:
                self._read_string_piece(parts, text)

    def expand(self, raw: str, line: int) -> Expression:
        """The expression for text with variables in it that was cut out of the script."""
        inner = type(self)(raw)
        parts: list[str | Expression] = []
        text: list[str] = []
        while not inner.at_end():
            inner._read_string_piece(parts, text)
        return self._string_of(parts, text, line)

    def _string_of(self, parts: list[str | Expression], text: list[str], line: int) -> Expression:
        if text:
            parts.append("".join(text))
        if not parts:
            return Literal(line, "")
        if len(parts) == 1 and isinstance(parts[0], str):
            return Literal(line, parts[0])
        return Expandable(line, tuple(parts))

    def _read_string_piece(self, parts: list[str | Expression], text: list[str]) -> None:
        """One character, escape, variable or sub-expression of an expandable string."""
        char = self.text[self.pos]
        if char == "`" and self.pos + 1 < len(self.text):
            escaped = self.text[self.pos + 1]
            text.append(ESCAPES.get(escaped, escaped))
            self.pos += 2
            return
        if char != "$":
            text.append(char)
            self.pos += 1
            return
        line = self.line
        if self.peek(2) == "$(":
            self.pos += 2
            piece: Expression = SubExpression(line, self.read_block(")"))
        else:
            match = VARIABLE.match(self.text, self.pos)
            if not match:
                text.append("$")
                self.pos += 1
                return
            self.pos = match.end()
            if self.peek() == ":" and self.peek(2) != "::" and not match["braced"]:
                self.fail(
                    "Variable reference is not valid. ':' was not followed by a valid variable "
                    "name character. Consider using ${} to delimit the name.",
                    error_id="InvalidVariableReferenceWithDrive",
                )
            piece = self._variable_of(match, line)
        if text:
            parts.append("".join(text))
            text.clear()
        parts.append(piece)
