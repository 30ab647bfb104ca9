"""A runbook as a page to print, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from secondsite.reports.markdown_text import markdown_table, markdown_text
from secondsite.reports.pages import page_environment
from secondsite.reports.phrasing import count_of, plain_lines, say_moment
from secondsite.reports.runbook import Chapter, Runbook

__all__ = ["runbook_html", "runbook_markdown"]


def runbook_html(book: Runbook) -> str:
    """One page that needs nothing else, with page breaks for A4."""
    return page_environment({}).get_template("runbook.html.j2").render(book=book)


def runbook_markdown(book: Runbook) -> str:
    """The same as Markdown."""
    lines = [
        f"# Runbook: {markdown_text(book.plan)}, {markdown_text(book.source_site)} to "
        f"{markdown_text(book.target_site)}",
        "",
        f"Printed {say_moment(book.printed_at.isoformat())}, digest `{book.digest}`.",
        "",
        *([markdown_text(book.description), ""] if book.description else []),
        *_objectives(book),
        "**A VM must never run in both sites.** Before one is started, its twin is off, or its "
        "site is surely gone. What stands under “By hand” is for the day on which the engine "
        "itself is lost; run it on each Hyper-V host of the site.",
        "",
        "## Who decides",
        "",
        *markdown_table(
            ("who", "how to reach them"), ((e.name, e.contact) for e in book.approvers)
        ),
        "",
        "## Servers",
        "",
        *markdown_table(
            ("site", "what", "name", "address", "account"),
            ((e.site, e.role, e.name, e.address, e.account) for e in book.servers),
        ),
        "",
        "## Virtual machines, in the order in which they start",
        "",
        *markdown_table(
            ("group", "VM", "replica on", "after", "ready when", "address", "DNS names"),
            (
                (vm.group, vm.name, vm.host, vm.waits_for, vm.ready, vm.address, vm.dns)
                for vm in book.vms
            ),
        ),
        "",
    ]
    for part in book.parts:
        lines += [f"## {markdown_text(part.title)}", "", markdown_text(part.when), ""]
        lines += [f"    {part.command}", ""]
        for number, chapter in enumerate(part.chapters, start=1):
            lines += _chapter(number, chapter)
    if book.scripts:
        lines += ["## Scripts of the plan", ""]
    for path, text in book.scripts.items():
        lines += [f"### {markdown_text(path)}", "", *_fenced("powershell", text), ""]
    return "\n".join(lines).rstrip() + "\n"


def _objectives(book: Runbook) -> list[str]:
    said = [f"back in service within {book.rto} (RTO)"] if book.rto else []
    said += [f"at most {book.rpo} of work lost (RPO)"] if book.rpo else []
    return [f"{count_of(len(book.vms), 'VM')}: {', '.join(said)}.", ""] if said else []


def _chapter(number: int, chapter: Chapter) -> Iterable[str]:
    yield f"### {number}. {markdown_text(chapter.title)}"
    yield ""
    for line in chapter.happens:
        yield f"- [ ] {markdown_text(line)}"
    yield ""
    for block in chapter.by_hand:
        yield f"By hand. {markdown_text(block.where)}:"
        yield ""
        yield from _fenced(block.language, block.text)
        yield ""
        if block.note:
            yield markdown_text(block.note)
            yield ""


def _fenced(language: str, text: str) -> Iterable[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    yield f"{fence}{language}"
    yield plain_lines(text)
    yield fence
