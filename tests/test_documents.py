"""The documents keep their promises: commands, options, links, plans and estates are right."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from ruamel.yaml import YAML

from secondsite.cli.main import COMMANDS, load, parser_of
from secondsite.lab.estate_loader import load_lab_estate
from secondsite.lab.faults import FaultKind
from secondsite.plan.loader import load_estate, load_folder
from secondsite.plan.suite_loader import examine_suites

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted(
    [
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").rglob("*.md"),
    ]
)
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.S | re.M)
_INLINE = re.compile(r"`(secondsite [a-z][^`]*)`")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_PLACEHOLDERS = {"PLAN": "storefront", "RUN": "latest", "FILE": "file", "DIR": "dir"}


class Block(NamedTuple):
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    text: str


class Said(NamedTuple):
    """One command as a page has it; running text may leave out what must follow."""

    place: str
    words: tuple[str, ...]
    is_typed: bool


def name_of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text("utf-8")
        for found in _FENCE.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield Block(name_of(page), line, found["language"], found["text"])


def place_of(block: Block) -> str:
    return f"{block.page}:{block.line}"


def commands() -> Iterator[Said]:
    """Every `secondsite …` of a shell block, of an unnamed one, and in running text."""
    for block in blocks():
        if block.language in {"sh", ""} and not block.page.startswith("docs/reference/"):
            for line in block.text.splitlines():
                words = _words(line)
                if words[:1] == ["secondsite"] and len(words) > 1:
                    yield Said(place_of(block), tuple(words[1:]), is_typed=True)
    for page in PAGES:
        prose = _FENCE.sub("", page.read_text("utf-8"))
        for found in _INLINE.finditer(prose):
            yield Said(name_of(page), tuple(_words(found[1])[1:]), is_typed=False)


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return []
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    return [_PLACEHOLDERS.get(word, word) for word in words]


COMMANDS_SAID = sorted(set(commands()))
YAML_BLOCKS = [block for block in blocks() if block.language == "yaml"]


def refusal(words: tuple[str, ...]) -> str:
    """What the command line says against these words; empty if they are right."""
    name, *rest = words
    if name not in COMMANDS:
        return f"{name} is not a command"
    parser = parser_of(name, load(name))
    if not rest or any("…" in word or word.isupper() for word in rest):
        return ""  # only named, or with something left out
    if rest[0] == "--help":
        return ""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            parser.parse_args(rest)
        except SystemExit:
            return said.getvalue()
    return ""


def test_the_documents_have_commands_and_plans_to_check() -> None:
    assert len(COMMANDS_SAID) > 40
    assert len(YAML_BLOCKS) > 5


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_appears_in_the_documents(command: str) -> None:
    assert any(said.words[0] == command for said in COMMANDS_SAID)


@pytest.mark.parametrize("said", COMMANDS_SAID, ids=lambda said: f"{said.place} {said.words[0]}")
def test_every_command_in_the_documents_is_one_that_exists(said: Said) -> None:
    wrong = refusal(said.words)
    if not said.is_typed and "arguments are required" in wrong:
        wrong = ""

    assert not wrong, f"{said.place}: secondsite {shlex.join(said.words)}"


def test_a_wrong_command_or_option_would_be_noticed() -> None:
    assert refusal(("approve", "latest"))
    assert refusal(("run", "storefront", "--kind", "tset"))
    assert refusal(("run", "storefront", "--kind", "test", "--fast"))


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.M))
    said = set()
    for page in PAGES:
        said |= set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text("utf-8"), re.M))

    assert said
    assert said <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_resolves(page: Path) -> None:
    text = _FENCE.sub("", page.read_text("utf-8"))
    for found in _LINK.finditer(text):
        path, _, anchor = found["target"].partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)}: {found['target']}"
        assert target.is_relative_to(REPOSITORY), f"{name_of(page)}: {found['target']}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{name_of(page)}: {found['target']}"


def anchors(page: Path) -> set[str]:
    """The anchors that renderers make of the headings of a page."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ +(.+)$", text, re.M)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("block", YAML_BLOCKS, ids=place_of)
def test_every_plan_and_estate_in_the_documents_is_valid(block: Block, tmp_path: Path) -> None:
    written = YAML(typ="safe").load(block.text)
    file = tmp_path / "block.yaml"
    if "groups" in written:
        shutil.copytree(REPOSITORY / "plans" / "scripts", tmp_path / "scripts")
        shutil.copy(REPOSITORY / "plans" / "estate.yaml", tmp_path)
        file.write_text(block.text, "utf-8")

        assert list(load_folder(tmp_path).plans) == [written["name"]]
    elif "protections" in written:
        file.write_text(block.text, "utf-8")

        assert load_estate(file).protections
    elif "approvers" in written:  # a part of an estate, for one that is there
        whole = YAML(typ="safe").load((REPOSITORY / "plans" / "estate.yaml").read_text("utf-8"))
        whole["credentials"] |= written.pop("credentials", {})
        YAML(typ="safe").dump(whole | written, file)

        assert load_estate(file).approvers
    elif "plans" in written:
        file.write_text(block.text, "utf-8")
        suites, faults = examine_suites([file], plans=written["plans"])

        assert not faults
        assert [suite.name for _, suite in suites] == [written["name"]]
    else:
        file.write_text(block.text, "utf-8")

        assert load_lab_estate(file).name == written["name"]


def test_every_kind_of_fault_is_explained() -> None:
    page = (REPOSITORY / "docs" / "howto" / "inject-faults.md").read_text("utf-8")

    assert {str(kind.value) for kind in FaultKind if f"`{kind.value}`" not in page} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_folder_of_this_machine_or_a_package_registry(page: Path) -> None:
    text = page.read_text("utf-8")

    assert str(REPOSITORY) not in text
    found = re.findall(
        r"(?<![\w.])/(?:work|root|home|Users)/\S*|\S*pypi\S*|\S*pythonhosted\S*", text
    )
    assert found == []


@pytest.mark.parametrize(
    "page", sorted((REPOSITORY / "docs" / "runbooks").glob("*.md")), ids=name_of
)
def test_a_runbook_is_numbered_steps_and_nothing_else(page: Path) -> None:
    text = page.read_text("utf-8")

    for line in text.splitlines():
        assert re.match(r"(#|\d+\. |\s{2,}|$)", line), f"{name_of(page)}: {line}"


def test_every_page_is_reached_from_the_index() -> None:
    index = (REPOSITORY / "docs" / "README.md").read_text("utf-8")
    pages = {
        page.relative_to(REPOSITORY / "docs").as_posix() for page in PAGES if "docs" in page.parts
    }

    assert {page for page in pages - {"README.md"} if f"({page})" not in index} == set()
