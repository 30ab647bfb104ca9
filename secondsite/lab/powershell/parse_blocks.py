"""The parser's part for blocks of statements, script blocks, parameters, attributes."""

from __future__ import annotations

import re
from typing import Final

from secondsite.lab.powershell.parse_commands import CommandParser
from secondsite.lab.powershell.syntax import (
    Attribute,
    Block,
    Expression,
    Parameter,
    ScriptBlockAst,
    Statement,
    TypeName,
)

_ATTRIBUTE_HEAD: Final = re.compile(r"\[\s*([A-Za-z_][\w.]*)\s*\(")
_BLOCK_ATTRIBUTES: Final = frozenset(
    {"cmdletbinding", "outputtype", "diagnostics.codeanalysis.suppressmessageattribute", "alias"}
)


class BlockParser(CommandParser):
    """Reads blocks; the statements in them are read by the subclass."""

    def read_block(self, end: str) -> Block:
        """Statements up to `end` and `end` itself; an empty `end` means the end of the text."""
        line = self.line
        statements: list[Statement] = []
        while True:
            self.skip_separators()
            if end and self.accept(end):
                break
            if self.at_end():
                if not end:
                    break
                self.fail(f"Missing closing '{end}' in statement block.", error_id="MissingEnd")
            statements.append(self.read_statement())
            self._end_statement(end)
        return Block(line, tuple(statements))

    def _end_statement(self, end: str) -> None:
        self.skip_blanks()
        if self.at_end() or self.peek() in "\r\n;" or (end and self.peek() == end):
            return
        if self.text[self.pos - 1] == "}":
            return
        token = self.text[self.pos : self.pos + 20].split("\n", maxsplit=1)[0]
        self.fail(f"Unexpected token '{token}' in expression or statement.")

    def _read_braced(self, after: str) -> Block:
        self.skip_lines()
        self.expect("{", f"after {after}")
        return self.read_block("}")

    def read_script_block(self, end: str) -> ScriptBlockAst:
        """The inside of a script block up to `end`, and `end` itself."""
        before, self._commas_separate = self._commas_separate, False
        line, start = self.line, self.pos
        attributes, parameters, has_param = self._read_param_block()
        begin, process, last = self._read_named_blocks(end)
        text = self.text[start : self.pos - len(end)]
        self._commas_separate = before
        return ScriptBlockAst(line, parameters, attributes, has_param, begin, process, last, text)

    def _read_named_blocks(self, end: str) -> tuple[Block | None, Block | None, Block | None]:
        self.skip_separators()
        named: dict[str, Block] = {}
        while (word := self.peek_word()) in {"begin", "process", "end", "dynamicparam"}:
            place = self.pos
            self.accept_keyword(word)
            self.skip_lines()
            if self.peek() != "{":
                self.pos = place
                break
            if word == "dynamicparam" or word in named:
                self.unsupported(f"the block {word} here")
            named[word] = self._read_braced(f"'{word}'")
            self.skip_separators()
        if not named:
            return None, None, self.read_block(end)
        if end:
            self.expect(end, "after the named blocks")
        elif not self.at_end():
            self.fail("Statements cannot stand beside begin, process and end blocks.")
        return named.get("begin"), named.get("process"), named.get("end")

    def _read_param_block(self) -> tuple[tuple[Attribute, ...], tuple[Parameter, ...], bool]:
        place = self.pos
        attributes: list[Attribute] = []
        self.skip_separators()
        while _ATTRIBUTE_HEAD.match(self.text, self.pos):
            attempt = self.pos
            head = _ATTRIBUTE_HEAD.match(self.text, self.pos)
            if head and head.group(1).lower() not in _BLOCK_ATTRIBUTES:
                self.pos = attempt
                break
            attributes.append(self._read_attribute())
            self.skip_separators()
        if self.peek_word() != "param":
            self.pos = place
            return (), (), False
        self.accept_keyword("param")
        self.skip_lines()
        self.expect("(", "after 'param'")
        return tuple(attributes), self._read_parameters(), True

    def _read_parameters(self) -> tuple[Parameter, ...]:
        parameters = []
        self.skip_lines()
        while not self.accept(")"):
            parameters.append(self._read_parameter_declaration())
            self.skip_lines()
            if not self.accept(","):
                self.expect(")", "after the parameters")
                break
            self.skip_lines()
        return tuple(parameters)

    def _read_parameter_declaration(self) -> Parameter:
        attributes: list[Attribute] = []
        type_name: TypeName | None = None
        while self.peek() == "[":
            if _ATTRIBUTE_HEAD.match(self.text, self.pos):
                attributes.append(self._read_attribute())
            else:
                type_name = self.read_type()
            self.skip_lines()
        line = self.line
        variable = self.read_variable()
        self.skip_lines()
        default = None
        if self.accept("="):
            self.skip_lines()
            default = self._read_method_argument()
        return Parameter(line, variable.name, type_name, tuple(attributes), default)

    def _read_attribute(self) -> Attribute:
        line = self.line
        head = _ATTRIBUTE_HEAD.match(self.text, self.pos)
        if not head:
            self.fail("An attribute was expected.")
        self.pos = head.end()
        positional: list[Expression] = []
        named: list[tuple[str, Expression | None]] = []
        self.skip_lines()
        while not self.accept(")"):
            word = self.peek_word()
            if word:
                self.pos += len(word)
                self.skip_lines()
                value = None
                if self.accept("="):
                    self.skip_lines()
                    value = self._read_method_argument()
                named.append((word, value))
            else:
                positional.append(self._read_method_argument())
            self.skip_lines()
            if not self.accept(","):
                self.expect(")", "after the arguments of an attribute")
                break
            self.skip_lines()
        self.skip_lines()
        self.expect("]", "after an attribute")
        return Attribute(line, head.group(1).lower(), tuple(positional), tuple(named))
