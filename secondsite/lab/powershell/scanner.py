"""The text under the parser: blanks, comments, numbers, names, quoted text.

PowerShell has no one token grammar (what `-a,b` means depends on where it stands), so the parser
asks for what it expects at the current place.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from secondsite.lab.powershell.failures import ParseFailure
from secondsite.lab.powershell.values import Int64

BLANKS: Final = re.compile(r"(?:[ \t\f\v\u00a0\ufeff]|`\r?\n|<#.*?#>)*", re.DOTALL)
COMMENT: Final = re.compile(r"#[^\r\n]*")
NEWLINE: Final = re.compile(r"\r?\n|\r")
NUMBER: Final = re.compile(
    r"(?:0x(?P<hex>[0-9a-f]+)|(?P<whole>\d+)?(?P<fraction>\.\d+)?(?P<exponent>e[+-]?\d+)?)"
    r"(?P<suffix>[ld])?(?P<unit>[kmgtp]b)?",
    re.IGNORECASE,
)
WORD: Final = re.compile(r"[A-Za-z_]\w*")
VARIABLE: Final = re.compile(
    r"\$(?:\{(?P<braced>(?:`.|[^}`])+)\}|(?:(?P<scope>\w+):(?!:)(?=[\w?]))?(?P<name>[\w?]+|[$^]))"
)
UNITS: Final = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
ESCAPES: Final = {
    "0": "\0", "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip
_INT32_MAX: Final = 2**31 - 1
_INT64_MAX: Final = 2**63 - 1
_SMART_QUOTES: Final = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e"


class Scanner:
    """A place in a text, and what can be read there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self._line_starts = [0, *(match.end() for match in NEWLINE.finditer(text))]

    # Where are we

    @property
    def line(self) -> int:
        """Line of the current place, from 1."""
        return self.line_at(self.pos)

    def line_at(self, pos: int) -> int:
        """Line of a place, from 1."""
        low, high = 0, len(self._line_starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._line_starts[middle] <= pos else (low, middle)
        return low + 1

    def column_at(self, pos: int) -> int:
        """Column of a place, from 1."""
        return pos - self._line_starts[self.line_at(pos) - 1] + 1

    def line_text(self, pos: int) -> str:
        """The whole line around a place."""
        start = self._line_starts[self.line_at(pos) - 1]
        end = NEWLINE.search(self.text, pos)
        return self.text[start : end.start() if end else len(self.text)]

    def failure(self, message: str, *, error_id: str = "UnexpectedToken") -> ParseFailure:
        """The error for a text that Windows PowerShell refuses too."""
        return ParseFailure(
            message,
            error_id=error_id,
            line=self.line,
            column=self.column_at(self.pos),
            line_text=self.line_text(self.pos),
        )

    def fail(self, message: str, *, error_id: str = "UnexpectedToken") -> NoReturn:
        """Refuse a text that Windows PowerShell refuses too."""
        raise self.failure(message, error_id=error_id)

    def subset_failure(self, what: str) -> ParseFailure:
        """The error for a text that Windows may accept, and the lab does not."""
        return self.failure(
            f"lab: this PowerShell construct is not in the lab's subset: {what} (line {self.line})",
            error_id="LabSubset",
        )

    def unsupported(self, what: str) -> NoReturn:
        """Refuse a text that Windows may accept, and the lab does not."""
        raise self.subset_failure(what)

    # Plain text

    def peek(self, length: int = 1) -> str:
        """The next characters."""
        return self.text[self.pos : self.pos + length]

    def at_end(self) -> bool:
        """Whether nothing follows."""
        return self.pos >= len(self.text)

    def accept(self, token: str) -> bool:
        """Step over `token` if it is next."""
        if self.text.startswith(token, self.pos):
            self.pos += len(token)
            return True
        return False

    def expect(self, token: str, where: str) -> None:
        """Step over `token`, which must be next."""
        if not self.accept(token):
            found = self.peek(12).split("\n", maxsplit=1)[0] or "the end"
            self.fail(f"Missing '{token}' {where}; found '{found}'.", error_id="MissingToken")

    def skip_blanks(self) -> None:
        """Step over blanks, block comments and continued line ends."""
        match = BLANKS.match(self.text, self.pos)
        if match:
            self.pos = match.end()
        if self.text.startswith("#", self.pos):
            comment = COMMENT.match(self.text, self.pos)
            if comment:
                self.pos = comment.end()

    def skip_lines(self) -> None:
        """Step over blanks, comments and line ends."""
        while True:
            self.skip_blanks()
            match = NEWLINE.match(self.text, self.pos)
            if not match:
                return
            self.pos = match.end()

    def skip_separators(self) -> None:
        """Step over blanks, comments, line ends and semicolons."""
        while True:
            self.skip_lines()
            if not self.accept(";"):
                return

    def peek_word(self) -> str:
        """The next name, lower case; empty if there is none."""
        match = WORD.match(self.text, self.pos)
        return match.group().lower() if match else ""

    def accept_keyword(self, keyword: str) -> bool:
        """Step over a keyword that stands as a word of its own."""
        if self.peek_word() == keyword:
            self.pos += len(keyword)
            return True
        return False

    # Numbers

    def read_number(self) -> tuple[object, str] | None:
        """A number and how it was written; None if there is none here."""
        match = NUMBER.match(self.text, self.pos)
        if not match or not (match["hex"] or match["whole"] or match["fraction"]):
            return None
        self.pos = match.end()
        return self.number_of(match), match.group()

    def number_of(self, match: re.Match[str]) -> object:
        """The value of a number: int, then long, then double, as it fits."""
        suffix = (match["suffix"] or "").lower()
        if suffix == "d":
            self.unsupported("a decimal literal")
        unit = UNITS.get((match["unit"] or "").lower(), 1)
        if match["hex"]:
            value = int(match["hex"], 16)
            if len(match["hex"]) == 8 and value > _INT32_MAX and not suffix:
                value -= 1 << 32
            number: int | float = value * unit
        elif match["fraction"] or match["exponent"]:
            text = f"{match['whole'] or '0'}{match['fraction'] or ''}{match['exponent'] or ''}"
            number = float(text) * unit
            return Int64(number) if suffix else number
        else:
            number = int(match["whole"]) * unit
        if number > _INT64_MAX:
            return float(number)
        return Int64(number) if suffix else number

    # Quoted text

    def read_single_quoted(self) -> str:
        """The text of `'...'`; the place is on the opening quote."""
        self.pos += 1
        parts = []
        while True:
            end = self.text.find("'", self.pos)
            if end < 0:
                self.fail("The string is missing the terminator: '.", error_id="TerminatorExpected")
            parts.append(self.text[self.pos : end])
            self.pos = end + 1
            if not self.accept("'"):
                return "".join(parts)
            parts.append("'")

    def read_here_string(self) -> tuple[str, bool]:
        """The raw text of `@'...'@` or `@"..."@`, and whether variables expand in it."""
        quote = self.text[self.pos + 1]
        self.pos += 2
        header = re.compile(r"[ \t]*(?:\r?\n)").match(self.text, self.pos)
        if not header:
            self.fail(
                "No characters are allowed after a here-string header but before the end of line.",
                error_id="UnexpectedCharactersAfterHereStringHeader",
            )
        end = re.compile(rf"(?:\r?\n){quote}@").search(self.text, header.end() - 1)
        if not end:
            self.fail(
                f"The string is missing the terminator: {quote}@.", error_id="TerminatorExpected"
            )
        self.pos = end.end()
        return self.text[header.end() : end.start()], quote == '"'

    def refuse_smart_quotes(self) -> None:
        """Typographic quotes work as quotes in Windows; the lab wants them written plainly."""
        if self.peek() and self.peek() in _SMART_QUOTES:
            self.unsupported(f"the typographic quotation mark {self.peek()}")
