"""Prefect's own pages, as a person uses them: by what is written on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from playwright.sync_api import Locator, Page, expect

PAGE_LIMIT_MS = 30_000
RUN_LIMIT_MS = 120_000
PAUSE_MS = 10_000
ANSWERS = 4
RESUME = re.compile(r"/flow_runs/[^/]+/resume$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form that Prefect draws from a schema: of parameters, or of a gate."""

    page: Page
    within: Locator
    filled: dict[str, tuple[Callable[[str, str], object], str]] = field(default_factory=dict)

    def field(self, name: str) -> Locator:
        """One field with its name and its help."""
        title = re.compile(rf"^\s*{re.escape(name)}(?: \(Optional\))?\s*$")
        named = self.page.locator(".schema-form-property__label").filter(has_text=title)
        return self.within.locator(".schema-form-property").filter(has=named)

    def write(self, name: str, text: str) -> None:
        """Fill a text field."""
        self.field(name).get_by_role("textbox").fill(text)
        self.filled[name] = (self.write, text)

    def choices(self, name: str) -> Sequence[str]:
        """Open a drop-down; what it offers."""
        # By key: in a headless browser the list loses the focus to a click, and closes.
        self.field(name).locator(".p-select-button__control").press("ArrowDown")
        options = self.page.get_by_role("option")
        options.first.wait_for()
        return [text.strip() for text in options.all_inner_texts()]

    def choose(self, name: str, choice: str) -> Sequence[str]:
        """Choose from a drop-down; what it offered."""
        offered = self.choices(name)
        self.page.get_by_role("option", name=choice, exact=True).click()
        expect(self.field(name)).to_contain_text(choice)
        self.filled[name] = (self.choose, choice)
        return offered

    def submit(self) -> None:
        """Press the button."""
        self.within.get_by_role("button", name="Submit").click()

    def answer(self) -> None:
        """Press the button of a gate's form until Prefect has taken the answer, as a person would.

        A busy server answers 503, and its page closes the form; it is filled in once more then.

        Raises
        ------
        AssertionError
            Prefect refused the answer; with its words.

        """
        for attempt in range(ANSWERS):
            if attempt:
                self._fill_in_again()
            with self.page.expect_response(RESUME) as told:
                self.submit()
            if told.value.status != HTTPStatus.SERVICE_UNAVAILABLE:
                break
        assert told.value.ok, f"{told.value.status} {told.value.text()}"
        assert told.value.json()["status"] == "ACCEPT", told.value.text()

    def _fill_in_again(self) -> None:
        self.page.wait_for_timeout(PAUSE_MS)
        self.page.reload()
        self.page.get_by_role("button", name="Resume").click()
        for name, (fill, value) in tuple(self.filled.items()):
            fill(name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefectUi:
    """A browser tab with Prefect's UI."""

    page: Page
    url: str

    def open_deployment(self, *, flow: str, plan: str) -> None:
        """From the list of deployments to one of them."""
        self.page.goto(f"{self.url}/deployments")
        # By the flow: a plan has more deployments than a page shows, of one flow there are few.
        self.page.get_by_placeholder("Search deployments").fill(flow)
        row = self.page.get_by_role("row")
        for name in (flow, plan):
            row = row.filter(has=self.page.get_by_role("link", name=name, exact=True))
        row.get_by_role("link", name=plan, exact=True).click()

    def custom_run(self) -> Form:
        """*Run*, *Custom run*: the form with the parameters."""
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_role("button", name="Custom run").click()
        self.page.get_by_role("button", name="Submit").wait_for()
        return Form(page=self.page, within=self.page.locator("form"))

    def start(self, form: Form) -> None:
        """Submit the parameters, and go to the page of the run that was scheduled."""
        # The message with the button *View run* slides away: too quick for a slow machine.
        with self.page.expect_response(re.compile("/create_flow_run$")) as scheduled:
            form.submit()
        expect(self.page.get_by_text("scheduled to start now").first).to_be_visible()
        self.page.goto(f"{self.url}/runs/flow-run/{scheduled.value.json()['id']}")

    def open_newest_run(self, name: str) -> None:
        """From the list of runs to the newest of that name."""
        self.page.goto(f"{self.url}/runs")
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def expect_state(self, state: str) -> None:
        """Wait until the run's page shows the state."""
        badge = self.page.locator(".state-badge").first
        expect(badge).to_have_text(re.compile(state), timeout=RUN_LIMIT_MS)

    def open_tab(self, name: str) -> None:
        """A tab of the run's page."""
        self.page.get_by_role("tab", name=name).or_(
            self.page.locator(".p-tab").filter(has_text=name)
        ).first.click()

    def open_artifact(self) -> Locator:
        """The run's one artifact, as it is drawn; its plan's standing has another."""
        self.open_tab("Artifacts")
        links = self.page.locator("a[href*='/artifacts/artifact/']")
        artifacts = links.filter(has_not_text="standing-")
        artifacts.first.wait_for()
        expect(artifacts).to_have_count(1)
        artifacts.first.click()
        return self.page.locator("article.markdown-renderer").last

    def resume(self) -> Form:
        """*Resume*: the form of the gate that the run waits at."""
        self.page.get_by_role("button", name="Resume").click()
        form = self.page.locator(".p-modal")
        form.get_by_role("button", name="Submit").wait_for()
        return Form(page=self.page, within=form)


def rows(drawn: Locator) -> Mapping[str, str]:
    """The rows of the tables in a drawn artifact, by their first cell; equal ones together."""
    found: dict[str, str] = {}
    for text in drawn.get_by_role("row").all_inner_texts():
        cells = [cell.strip() for cell in text.split("\t")]
        found[cells[0]] = " ".join([found.get(cells[0], ""), *cells]).strip()
    return found
