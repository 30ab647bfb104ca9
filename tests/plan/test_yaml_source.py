"""The generic half: any model, any file, every fault, and never a word of pydantic's."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import pytest
from pydantic import AnyUrl, Field
from pydantic_core import core_schema

from secondsite.plan.wording import say
from secondsite.plan.written import FrozenMapping, Written
from secondsite.plan.yaml_source import load_model, read_model


class Wheel(Written):
    """One wheel.

    Attributes:
        size: Its size in inches, which
            people measure.
        colour: What it looks like.
    """

    size: int
    colour: Literal["red", "blue"] = "red"


class Secretive(Written):
    """Something with a secret."""

    password: int = 0


class Car(Written):
    """One car."""

    name: str
    wheels: tuple[Wheel, ...] = ()
    parts: FrozenMapping[str, Wheel] = Field(default_factory=dict)
    spare: Wheel | str | None = None
    price: Annotated[float, Field(gt=0)] = 1.0
    safe: Secretive | None = None


def _faults(tmp_path: Path, text: str, model: type[Written] = Car) -> list[str]:
    path = tmp_path / "car.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(fault) for fault in load_model(path, model, shown="car.yaml").faults]


def test_a_right_file_gives_the_model_its_lines_and_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "car.yaml"
    path.write_text("name: x\nwheels:\n  - size: 17\n")

    model, faults, lines = load_model(path, Car)

    assert model == Car(name="x", wheels=(Wheel(size=17),))
    assert faults == ()
    assert lines.of("wheels", 0, "size") == 3


def test_all_faults_of_a_file_come_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = (
        "wheels:\n"
        "  - {size: big}\n"
        "  - {sise: 17}\n"
        "  - {size: 17, colour: rde}\n"
        "parts:\n"
        "  left: 5\n"
        "price: -1\n"
        "price: 2\n"
    )

    assert _faults(tmp_path, text) == [
        'car.yaml:8: "price" is written twice (first in line 7): keep one',
        'car.yaml:1: "name" is missing: write name: …',
        'car.yaml:2: wheels 1: size: "big" does not fit here: write a whole number',
        'car.yaml:3: wheels 2: "size" is missing: '
        "write size: … (Its size in inches, which people measure.)",
        'car.yaml:3: wheels 2: "sise" is not known here (did you mean "size"?)',
        'car.yaml:4: wheels 3: colour: "rde" is not one of the possible values '
        '(did you mean "red"?): write red or blue',
        "car.yaml:6: parts: left: 5 does not fit here: write a mapping (key: value)",
        "car.yaml:7: price: -1 is out of range: write a value greater than 0",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name: 5\n", 'car.yaml:1: name: 5 is a number: write it in quotes: "5"'),
        ("name:\n", "car.yaml:1: name: nothing is written here: write text, or remove the line"),
        ("name: x\nwheels: 17\n", "car.yaml:2: wheels: 17 is not a list: write [17]"),
        (
            "name: x\nwheels:\n",
            "car.yaml:2: wheels: nothing is written here: write a list, or remove the line",
        ),
        (
            "name: x\nspare: [1]\n",
            "car.yaml:2: spare: a list does not fit here: write a mapping (key: value) or text",
        ),
        ("- a\n", "car.yaml:1: a list does not fit here: write a mapping (key: value)"),
        (
            "name: x\nparts: {left: {size: 17, colour: red, weight: 3}}\n",
            'car.yaml:2: parts: left: "weight" is not known here (known: colour, size)',
        ),
        ("name: x\nprice: .inf\n", "car.yaml:2: price: inf does not fit here: write a number"),
        ("", "car.yaml:1: the file is empty: write name: …"),
        ("# only a comment\n", "car.yaml:1: the file is empty: write name: …"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_write(tmp_path: Path, text: str, fault: str) -> None:
    assert _faults(tmp_path, text) == [fault]


def test_inside_a_union_only_the_member_that_fits_is_spoken_of(tmp_path: Path) -> None:
    assert _faults(tmp_path, "name: x\nspare: {size: big}\n") == [
        'car.yaml:2: spare: size: "big" does not fit here: write a whole number'
    ]


def test_a_secret_that_stands_in_the_file_is_not_repeated(tmp_path: Path) -> None:
    (fault,) = _faults(tmp_path, "name: x\nsafe: {password: hunter2}\n")

    assert "hunter2" not in fault
    assert fault == "car.yaml:2: safe: password: text does not fit here: write a whole number"


def test_a_model_without_its_wrong_keys_is_kept_for_finding_more_faults(tmp_path: Path) -> None:
    path = tmp_path / "car.yaml"
    path.write_text("name: x\nprize: 3\nprice: cheap\nwheels: [{size: 17}]\n")

    source = read_model(path, Car)

    assert source.model is None
    assert len(source.faults) == 2
    assert source.salvaged == Car(name="x", wheels=(Wheel(size=17),))


def test_a_model_that_cannot_do_without_its_wrong_keys_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "car.yaml"
    path.write_text("name: [x]\n")

    assert read_model(path, Car).salvaged is None


def test_files_that_cannot_be_read_are_faults_not_exceptions(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"name: Stra\xdfe\n")

    messages = {
        name: load_model(tmp_path / name, Car).faults[0].message
        for name in ("absent.yaml", ".", "latin.yaml")
    }

    assert messages == {
        "absent.yaml": "there is no such file",
        ".": "this is a folder, not a file",
        "latin.yaml": "the file is not UTF-8 text: save it as UTF-8",
    }


def test_a_byte_order_mark_of_windows_editors_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "car.yaml"
    path.write_bytes("name: Straße\r\n".encode("utf-8-sig"))

    assert load_model(path, Car).model == Car(name="Straße")


class Everything(Written):
    """One field for many of pydantic's types."""

    address: IPv4Address | None = None
    network: IPv6Network | None = None
    at: datetime | None = None
    day: date | None = None
    id: UUID | None = None
    link: AnyUrl | None = None
    exact: Decimal | None = None
    few: Annotated[tuple[int, ...], Field(min_length=2, max_length=3)] = (1, 2)
    word: Annotated[str, Field(pattern="^a+$", max_length=3)] = "a"
    flag: bool = False
    either: int | bool | tuple[str, ...] = 1


_PYDANTIC_WORDS = ("Input should", "valid ", "pydantic", "errors.", "permitted", "type=", "Value ")


@pytest.mark.parametrize(
    "text",
    [
        "address: x",
        "network: 10.0.0.1",
        "at: x",
        "day: 5",
        "id: x",
        "link: x",
        "exact: x",
        "few: [1]",
        "few: [1, 2, 3, 4]",
        "word: b",
        "word: aaaaa",
        "flag: maybe",
        "either: {a: 1}",
        "either: [1]",
    ],
)
def test_no_word_of_pydantic_reaches_a_person(tmp_path: Path, text: str) -> None:
    faults = _faults(tmp_path, text + "\n", Everything)

    assert faults
    for fault in faults:
        assert "write" in fault
        assert not any(word in fault for word in _PYDANTIC_WORDS), fault


def test_every_error_type_of_pydantic_has_words() -> None:
    value: Any
    for kind in get_args(core_schema.ErrorType):
        for value in (None, "x", 5, True, [], {}):
            wrong, instead = say(kind, value=value, context={}, path=("a",), message="RAW")

            assert wrong
            assert "RAW" not in wrong + instead
