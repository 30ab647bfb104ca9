"""The parser's part for statements, blocks, functions and parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from secondsite.lab.powershell.parse_blocks import BlockParser
from secondsite.lab.powershell.syntax import (
    Assignment,
    Block,
    CatchClause,
    DoLoop,
    Expression,
    Flow,
    For,
    ForEach,
    FunctionDefinition,
    If,
    Jump,
    Parameter,
    ScriptBlockAst,
    Statement,
    Switch,
    Try,
    TypeName,
    While,
)
from secondsite.lab.powershell.wording import words

_ASSIGNMENT: Final = re.compile(r"(?:[+\-*/%])?=(?!=)")
_FUNCTION_NAME: Final = re.compile(r"[^\s{}();,|&<>'\"$]+")
_LABEL: Final = re.compile(r":([A-Za-z_]\w*)")
_REFUSED: Final = frozenset(
    words(
        """
    trap data class enum using workflow configuration dynamicparam parallel sequence
    inlinescript define from var
    """
    )
)


class StatementParser(BlockParser):
    """Reads whole scripts."""

    def read_script(self) -> ScriptBlockAst:
        """The whole text."""
        return self.read_script_block("")

    def read_statement(self) -> Statement:
        """One statement of any kind."""
        self.skip_lines()
        label = _LABEL.match(self.text, self.pos)
        if label:
            self.pos = label.end()
            self.skip_lines()
            return self._read_loop(self.peek_word(), label.group(1))
        word = self.peek_word()
        if word:
            reader = _KEYWORDS.get(word)
            after = self.text[self.pos + len(word) : self.pos + len(word) + 1]
            if reader and after not in {"-", ".", "\\", ":"}:
                return reader(self)
            if word in {"foreach", "while", "do", "for", "switch"} and after not in {"-", "."}:
                return self._read_loop(word, "")
            if word in _REFUSED and (after.isspace() or after in {"{", ""}):
                self.unsupported(f"the keyword {word}")
        return self.read_pipeline_statement()

    def read_pipeline_statement(self) -> Statement:
        """One pipeline or assignment."""
        self.skip_blanks()
        if not self.starts_expression():
            return self.read_pipeline()
        line = self.line
        expression = self.read_expression()
        self.skip_blanks()
        match = _ASSIGNMENT.match(self.text, self.pos)
        if not match:
            return self.finish_pipeline(line, [self.finish_expression(line, expression)])
        self.pos = match.end()
        self.skip_lines()
        return Assignment(line, expression, match.group(), self.read_statement())

    def _read_condition(self, keyword: str) -> Statement:
        self.skip_lines()
        self.expect("(", f"after '{keyword}'")
        self.skip_lines()
        condition = self.read_pipeline_statement()
        self.skip_lines()
        self.expect(")", f"after the condition of '{keyword}'")
        return condition

    def _read_if(self) -> Statement:
        line = self.line
        self.accept_keyword("if")
        clauses = [(self._read_condition("if"), self._read_braced("the condition of 'if'"))]
        otherwise = None
        while True:
            place = self.pos
            self.skip_lines()
            if self.accept_keyword("elseif"):
                condition = self._read_condition("elseif")
                clauses.append((condition, self._read_braced("the condition of 'elseif'")))
                continue
            if self.accept_keyword("else"):
                otherwise = self._read_braced("'else'")
            else:
                self.pos = place
            return If(line, tuple(clauses), otherwise)

    def _read_loop(self, keyword: str, label: str) -> Statement:
        readers: dict[str, Callable[[str], Statement]] = {
            "foreach": self._read_foreach,
            "for": self._read_for,
            "while": self._read_while,
            "do": self._read_do,
            "switch": self._read_switch,
        }
        if keyword not in readers:
            self.fail(f"A label must stand before a loop, not before '{keyword}'.")
        self.accept_keyword(keyword)
        return readers[keyword](label.lower())

    def _read_foreach(self, label: str) -> Statement:
        line = self.line
        self.skip_lines()
        if self.peek() == "-":
            self.unsupported("foreach -parallel")
        self.expect("(", "after 'foreach'")
        self.skip_lines()
        variable = self.read_variable()
        self.skip_lines()
        if not self.accept_keyword("in"):
            self.fail("Missing 'in' after the variable in the foreach loop.")
        self.skip_lines()
        values = self.read_pipeline_statement()
        self.skip_lines()
        self.expect(")", "after the values of 'foreach'")
        return ForEach(line, variable, values, self._read_braced("'foreach'"), label)

    def _read_for(self, label: str) -> Statement:
        line = self.line
        self.skip_lines()
        self.expect("(", "after 'for'")
        parts: list[Statement | None] = []
        for end in (";", ";", ")"):
            self.skip_lines()
            part = None if self.peek() == end else self.read_pipeline_statement()
            parts.append(part)
            self.skip_lines()
            self.expect(end, "in 'for'")
        body = self._read_braced("'for'")
        return For(line, parts[0], parts[1], parts[2], body, label)

    def _read_while(self, label: str) -> Statement:
        line = self.line
        condition = self._read_condition("while")
        return While(line, condition, self._read_braced("'while'"), label)

    def _read_do(self, label: str) -> Statement:
        line = self.line
        body = self._read_braced("'do'")
        self.skip_lines()
        keyword = self.peek_word()
        if keyword not in {"while", "until"}:
            self.fail("Missing 'while' or 'until' after the block of 'do'.")
        self.accept_keyword(keyword)
        return DoLoop(line, body, self._read_condition(keyword), keyword == "until", label)

    def _read_switch(self, label: str) -> Statement:
        line = self.line
        mode, case_sensitive = "exact", False
        self.skip_blanks()
        while self.peek() == "-":
            option = self._peek_operator()
            self.pos += len(option)
            if option in {"-wildcard", "-regex", "-exact"}:
                mode = option[1:]
            elif option == "-casesensitive":
                case_sensitive = True
            else:
                self.unsupported(f"switch {option}")
            self.skip_blanks()
        value = self._read_condition("switch")
        self.skip_lines()
        self.expect("{", "after the value of 'switch'")
        clauses: list[tuple[Expression, Block]] = []
        default = None
        while True:
            self.skip_separators()
            if self.accept("}"):
                return Switch(line, value, mode, case_sensitive, tuple(clauses), default, label)
            if self.peek_word() == "default":
                self.accept_keyword("default")
                default = self._read_braced("'default'")
                continue
            pattern = self._read_argument_item()
            clauses.append((pattern, self._read_braced("a pattern of 'switch'")))

    def _read_try(self) -> Statement:
        line = self.line
        self.accept_keyword("try")
        body = self._read_braced("'try'")
        catches: list[CatchClause] = []
        last = None
        while True:
            place = self.pos
            self.skip_lines()
            catch_line = self.line
            if self.accept_keyword("catch"):
                types: list[TypeName] = []
                self.skip_lines()
                while self.peek() == "[":
                    types.append(self.read_type())
                    self.skip_lines()
                    if self.accept(","):
                        self.skip_lines()
                catches.append(CatchClause(catch_line, tuple(types), self._read_braced("'catch'")))
                continue
            if self.accept_keyword("finally"):
                last = self._read_braced("'finally'")
            else:
                self.pos = place
            break
        if not catches and last is None:
            self.fail(
                "The Try statement is missing its Catch or Finally block.",
                error_id="MissingCatchOrFinally",
            )
        return Try(line, body, tuple(catches), last)

    def _read_flow(self) -> Statement:
        line = self.line
        keyword = self.peek_word()
        self.accept_keyword(keyword)
        self.skip_blanks()
        value = None
        if not self.at_end() and self.peek() not in "\r\n;})":
            value = self.read_pipeline_statement()
        return Flow(line, keyword, value)

    def _read_jump(self) -> Statement:
        line = self.line
        keyword = self.peek_word()
        self.accept_keyword(keyword)
        self.skip_blanks()
        label = self.peek_word()
        self.pos += len(label)
        return Jump(line, keyword, label)

    def _read_function(self) -> Statement:
        line = self.line
        keyword = self.peek_word()
        self.accept_keyword(keyword)
        self.skip_blanks()
        match = _FUNCTION_NAME.match(self.text, self.pos)
        if not match:
            self.fail(f"Missing name after {keyword} keyword.", error_id="MissingNameAfterKeyword")
        self.pos = match.end()
        name = match.group()
        scope, colon, rest = name.partition(":")
        if colon:
            if scope.lower() not in {"global", "script", "local"}:
                self.unsupported(f"a function in the scope {scope}:")
            name = rest if scope.lower() == "local" else name
        self.skip_lines()
        parameters: tuple[Parameter, ...] = ()
        has_list = self.accept("(")
        if has_list:
            parameters = self._read_parameters()
            self.skip_lines()
        self.expect("{", f"in the definition of {name}")
        body = self.read_script_block("}")
        if has_list:
            if body.has_param_block:
                self.fail("A function has its parameters either after its name or in param().")
            body.parameters, body.has_param_block = parameters, True
        body.is_filter = keyword == "filter"
        return FunctionDefinition(line, name, body)


_KEYWORDS: Final[dict[str, Callable[[StatementParser], Statement]]] = {
    "if": StatementParser._read_if,
    "try": StatementParser._read_try,
    "return": StatementParser._read_flow,
    "throw": StatementParser._read_flow,
    "exit": StatementParser._read_flow,
    "break": StatementParser._read_jump,
    "continue": StatementParser._read_jump,
    "function": StatementParser._read_function,
    "filter": StatementParser._read_function,
}
