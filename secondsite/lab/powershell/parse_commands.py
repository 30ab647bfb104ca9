"""The parser's part for commands: names, arguments, barewords, redirections, pipelines."""

from __future__ import annotations

import re
from typing import Final

from secondsite.lab.powershell.parse_expressions import ExpressionParser
from secondsite.lab.powershell.scanner import NUMBER, VARIABLE
from secondsite.lab.powershell.syntax import (
    Argument,
    ArrayLiteral,
    Command,
    CommandExpression,
    Expandable,
    Expression,
    Literal,
    Pipeline,
    Redirection,
    ScriptBlockLiteral,
    Variable,
)

_STOP: Final = " \t\f\v\u00a0\r\n{}();,|&<>"
_REDIRECTION: Final = re.compile(r"(?P<stream>[1-6*])?>(?P<more>>|&(?P<onto>[0-9]))?")
_PARAMETER: Final = re.compile(r"-(?P<name>[A-Za-z_?][^\s{}();,|&.\[:\"'$]*)(?P<colon>:)?")
_SPLAT: Final = re.compile(r"@(?:(?P<scope>\w+):)?(?P<name>\w+)")
_EXPRESSION_START: Final = "$'\"(@[{0123456789+-!,"
_ENDS: Final = "\r\n;)}|"


class CommandParser(ExpressionParser):
    """Reads pipelines and the commands in them."""

    def read_pipeline(self) -> Pipeline:
        """`a | b | c`."""
        line = self.line
        elements: list[Command | CommandExpression] = [self._read_element(is_first=True)]
        return self.finish_pipeline(line, elements)

    def finish_pipeline(self, line: int, elements: list[Command | CommandExpression]) -> Pipeline:
        """The rest of a pipeline whose first element was read."""
        while True:
            self.skip_blanks()
            following = self.peek(2)
            if following in {"||", "&&"}:
                self.fail(f"The token '{following}' is not a valid statement separator.")
            if not self.accept("|"):
                break
            self.skip_lines()
            if self.at_end() or self.peek() in ")};|":
                self.fail("An empty pipe element is not allowed.", error_id="EmptyPipeElement")
            elements.append(self._read_element(is_first=False))
        if self.peek() == "&":
            self.unsupported("a background job (&)")
        return Pipeline(line, tuple(elements))

    def starts_expression(self) -> bool:
        """Whether an expression is next rather than a command name."""
        char = self.peek()
        if not char or char not in _EXPRESSION_START:
            return char == "." and self.peek(2)[1:].isdigit()
        return True

    def _read_element(self, *, is_first: bool) -> Command | CommandExpression:
        if self.starts_expression():
            if not is_first:
                self.fail(
                    "Expressions are only allowed as the first element of a pipeline.",
                    error_id="ExpressionsMustBeFirstInPipeline",
                )
            line = self.line
            return self.finish_expression(line, self.read_expression())
        return self._read_command()

    def finish_expression(self, line: int, expression: Expression) -> CommandExpression:
        """Redirections and the end of an expression that stands where a command could."""
        redirections = []
        while (found := self._read_redirection()) is not None:
            redirections.append(found)
        self.skip_blanks()
        if not self.at_end() and self.peek() not in _ENDS and self.peek() != "&":
            token = self.text[self.pos : self.pos + 20].split("\n", maxsplit=1)[0]
            self.fail(f"Unexpected token '{token}' in expression or statement.")
        return CommandExpression(line, expression, tuple(redirections))

    def _read_command(self) -> Command:
        line, start = self.line, self.pos
        operator = ""
        if self.peek() == "&":
            operator = "&"
        elif self.peek() == "." and self.peek(2)[1:] in {" ", "\t", "{", "$", "(", "'", '"'}:
            operator = "."
        if operator:
            self.pos += 1
            self.skip_blanks()
        name = self._read_command_name(operator)
        arguments: list[Argument] = []
        redirections: list[Redirection] = []
        while True:
            self.skip_blanks()
            if self.at_end() or self.peek() in _ENDS or self.peek() == "&":
                break
            redirection = self._read_redirection()
            if redirection is not None:
                redirections.append(redirection)
            else:
                arguments.append(self._read_argument())
        return Command(
            line,
            name,
            tuple(arguments),
            operator,
            tuple(redirections),
            self.text[start : self.pos].strip(),
            self.column_at(start),
            self.line_text(start),
        )

    def _read_command_name(self, operator: str) -> Expression:
        line = self.line
        if operator:
            char = self.peek()
            if char == "{":
                self.pos += 1
                return ScriptBlockLiteral(line, self.read_script_block("}"))
            if char and char in "$('\"@":
                return self.read_postfix(self.read_primary())
        self.refuse_smart_quotes()
        return self._read_bareword(line)

    # Redirections

    def _read_redirection(self) -> Redirection | None:
        self.skip_blanks()
        match = _REDIRECTION.match(self.text, self.pos)
        if not match:
            if self.peek() == "<":
                self.fail("The '<' operator is reserved for future use.")
            return None
        line = self.line
        self.pos = match.end()
        stream = match["stream"] or "1"
        if match["onto"]:
            if match["onto"] != "1":
                self.unsupported(f"redirection to stream {match['onto']}")
            return Redirection(line, stream, "output")
        self.skip_blanks()
        if self.text[self.pos : self.pos + 5].lower() == "$null":
            self.pos += 5
            return Redirection(line, stream, "null")
        raise self.subset_failure("redirection to a file")

    # Arguments

    def _read_argument(self) -> Argument:
        line = self.line
        if self.peek(3) == "--%":
            self.unsupported("--%")
        if self.peek() == "@":
            match = _SPLAT.match(self.text, self.pos)
            if match:
                self.pos = match.end()
                name, scope = match["name"], (match["scope"] or "").lower()
                return Argument(line, None, None, Variable(line, name, scope, name.lower()))
        parameter = _PARAMETER.match(self.text, self.pos)
        if parameter:
            return self._read_parameter(parameter, line)
        return Argument(line, None, self._read_argument_value())

    def _read_parameter(self, match: re.Match[str], line: int) -> Argument:
        self.pos = match.end()
        if not match["colon"]:
            return Argument(line, match["name"], None)
        self.skip_blanks()
        return Argument(line, match["name"], self._read_argument_value())

    def _read_argument_value(self) -> Expression:
        line = self.line
        first = self._read_argument_item()
        items = [first]
        while True:
            place = self.pos
            self.skip_blanks()
            if not self.accept(","):
                self.pos = place
                break
            self.skip_lines()
            items.append(self._read_argument_item())
        return first if len(items) == 1 else ArrayLiteral(line, tuple(items))

    def _read_argument_item(self) -> Expression:
        line = self.line
        char = self.peek()
        self.refuse_smart_quotes()
        if char == "$" and self.peek(2) != "$(":
            return self._read_variable_argument(line)
        if char == "@" and self.peek(2)[1:] not in {"(", "{", "'", '"'}:
            self.fail("The splatting operator '@' cannot be used to reference variables here.")
        if char and char in "'\"({@$":
            value = self.read_postfix(self.read_primary())
            self._require_token_end()
            return value
        return self._read_bareword(line)

    def _read_variable_argument(self, line: int) -> Expression:
        match = VARIABLE.match(self.text, self.pos)
        if not match:
            return self._read_bareword(line)
        after = self.text[match.end() : match.end() + 1]
        if after and after not in f"{_STOP}.[:":
            return self._read_bareword(line)
        value = self.read_postfix(self.read_variable())
        self._require_token_end()
        return value

    def _require_token_end(self) -> None:
        if not self.at_end() and self.peek() not in _STOP:
            self.unsupported(f"an argument that goes on with {self.peek()!r} after a value")

    def _read_bareword(self, line: int) -> Expression:
        """An unquoted word, in which variables expand and quotes group."""
        parts: list[str | Expression] = []
        text: list[str] = []
        start = self.pos
        while not self.at_end() and self.peek() not in _STOP:
            char = self.peek()
            if char == "'":
                text.append(self.read_single_quoted())
            elif char == '"':
                piece = self.read_double_quoted()
                pieces = piece.parts if isinstance(piece, Expandable) else (piece,)
                for each in pieces:
                    if isinstance(each, str):
                        text.append(each)
                    elif isinstance(each, Literal):
                        text.append(str(each.value))
                    else:
                        if text:
                            parts.append("".join(text))
                            text.clear()
                        parts.append(each)
            else:
                self._read_string_piece(parts, text)
        if self.pos == start:
            found = self.peek() or "the end"
            self.fail(f"Unexpected token '{found}' in expression or statement.")
        if text:
            parts.append("".join(text))
        word = self.text[start : self.pos]
        if len(parts) == 1 and isinstance(parts[0], str):
            return self._word_value(parts[0], word, line)
        return Expandable(line, tuple(parts))

    def _word_value(self, value: str, word: str, line: int) -> Expression:
        digits = word.removeprefix("-").removeprefix("+")
        match = NUMBER.fullmatch(digits)
        if match and (match["hex"] or match["whole"] or match["fraction"]):
            number = self.number_of(match)
            if isinstance(number, int | float):
                return Literal(line, -number if word.startswith("-") else number, word)
        return Literal(line, value)
