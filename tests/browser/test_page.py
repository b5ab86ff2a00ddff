"""The page in headless Chromium: tabs, sorting, filters, the dialog, dark mode, hostile names, accessibility."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_page import HOSTILE, fill, hostile_page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[browser]'")
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
if CHROMIUM is None:
    pytest.skip("no Chromium on this machine: apt-get install chromium", allow_module_level=True)

SCREENSHOTS = os.environ.get("HARNESS_SCREENSHOTS")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("browser")
    fill(root / "results")
    return hostile_page(root / "results", root / "index.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        # Chromium's sandbox does not work for root in a container; the page is our own file.
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Any, page_file: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page opened; afterwards: no console message, no error, no request but the file itself, no script ran."""
    wish = getattr(request, "param", {})
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **wish)
    tab = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda sent: asked.append(sent.url))
    tab.goto(page_file.as_uri())
    yield tab
    assert said == []
    assert asked == [page_file.as_uri()]
    assert tab.title().endswith("harness")
    context.close()


def _column(page: Any, selector: str, at: int) -> list[str]:
    rows = page.locator(f"{selector} tbody tr:visible")
    return [rows.nth(row).locator("th, td").nth(at).inner_text() for row in range(rows.count())]


def _panel(page: Any) -> str:
    return "#" + page.locator('[role="tabpanel"]:visible').get_attribute("id")


def _languages(page: Any) -> Any:
    """The block of tables by language, which is drawn when it comes into view."""
    block = page.locator("#panel-xtreme .languages")
    block.scroll_into_view_if_needed()
    block.locator("tbody tr").first.wait_for()
    return block


def test_tabs_by_mouse_and_keyboard(page: Any) -> None:
    tabs = page.get_by_role("tab")
    assert tabs.count() == 3
    assert _panel(page) == "#panel-xtreme"
    tabs.nth(2).click()
    assert _panel(page) == "#panel-retrieval"
    assert tabs.nth(2).get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowRight")
    assert _panel(page) == "#panel-xtreme"
    assert page.evaluate("document.activeElement.id") == "tab-xtreme"
    page.keyboard.press("End")
    assert _panel(page) == "#panel-retrieval"


def test_sorting_by_a_number_and_by_name(page: Any) -> None:
    block = '#panel-xtreme .block[data-protocol="transfer"] >> nth=0'
    table = page.locator(block)
    header = table.get_by_role("button", name="xnli")
    header.click()
    cells = table.locator("tbody tr:visible td.num")
    values = [cells.nth(at).get_attribute("data-v") for at in range(cells.count())]
    numbers = [float(one) for one in values if one]
    assert len(numbers) > 5
    assert numbers == sorted(numbers, reverse=True)
    assert "" not in values[: len(numbers)]
    assert table.locator("th.num").first.get_attribute("aria-sort") == "descending"
    header.press("Enter")
    values = [cells.nth(at).get_attribute("data-v") for at in range(cells.count())]
    assert [float(one) for one in values if one] == sorted(numbers)
    assert values[-1] == "" or "" not in values
    table.get_by_role("button", name="checkpoint", exact=True).click()
    names = table.locator("tbody tr:visible th bdi:first-child")
    first = names.first.inner_text()
    table.get_by_role("button", name="checkpoint", exact=True).click()
    assert table.locator("tbody tr:visible th bdi:first-child").last.inner_text() == first


def test_filters_by_name_kind_protocol_and_published(page: Any) -> None:
    rows = page.locator("#panel-xtreme .block[data-protocol] tbody tr:visible")
    everything = rows.count()
    page.get_by_label("published numbers").uncheck()
    assert rows.count() == everything - 4
    page.get_by_label("Checkpoint").fill("RUN-")
    assert rows.count() == 3
    assert page.locator("#count").inner_text() == "3 shown"
    page.get_by_label("Checkpoint").fill("")
    page.get_by_label("Kind").select_option("encoder-mlm")
    assert 0 < rows.count() < everything - 4
    page.get_by_label("Protocol").select_option("retrieve")
    assert page.locator("#panel-xtreme h3:visible").all_inner_texts() == ["frozen sentence vectors", "By language"]


def test_tables_by_language(page: Any) -> None:
    block = _languages(page)
    heat = block.locator("table.heat")
    block.locator(".l-task").select_option("xnli")
    assert heat.locator("thead th").count() == 1 + 3 + 15 + 1
    assert block.locator(".l-count").inner_text() == "15 of 15 languages scored"
    block.locator(".l-family").select_option("Indo-European")
    european = heat.locator("thead th").count()
    assert 8 < european < 20
    block.locator(".l-language").select_option("sw")
    assert heat.locator("thead th").count() == 2
    block.locator(".l-family").select_option("")
    assert heat.locator("thead th").all_inner_texts() == ["checkpoint", "sw", "supervision"]
    block.locator(".l-language").select_option("")
    block.locator(".l-group").select_option("seen")
    heads = heat.locator("thead th").all_inner_texts()
    assert heads == ["checkpoint", "English", "others", "gap", "seen", "unseen", "supervision"]
    row = heat.locator("tbody tr", has_text="xlm-roberta-large").locator("td").all_inner_texts()
    assert (row[3] != "–", row[4]) == (True, "–")
    for group, some in (("family", "Turkic"), ("script", "Cyrl"), ("resource", "class 2")):
        block.locator(".l-group").select_option(group)
        assert some in heat.locator("thead th").all_inner_texts()
    block.locator(".l-group").select_option("")
    columns = [_column(page, "#panel-xtreme .heat", at) for at in (1, 2, 3)]
    rows = [[float(cell) for cell in row] for row in zip(*columns, strict=True) if "–" not in row]
    assert len(rows) > 3
    assert all(abs(english - others - gap) < 0.11 for english, others, gap in rows)


def test_languages_that_nobody_has_are_counted_and_not_drawn(page: Any) -> None:
    page.get_by_role("tab", name="Retrieval").click()
    block = page.locator("#panel-retrieval .languages")
    block.scroll_into_view_if_needed()
    block.locator("tbody tr").first.wait_for()
    assert block.locator("thead th").all_inner_texts() == ["checkpoint", "de", "supervision"]
    assert block.locator(".l-count").inner_text() == "1 of 36 languages scored"


def test_a_number_leads_to_its_signature_and_command(page: Any) -> None:
    row = page.locator("#panel-xtreme .block[data-protocol] tbody tr", has_text="run-1").first
    row.locator("button.n").click()
    detail = page.locator("#detail")
    text = detail.inner_text()
    assert "accuracy|xnli.v1|avg|split:test" in text
    assert "harness eval --model run-1" in text
    assert "sample deviation" in text
    assert "15 of 15 scored" in text
    page.keyboard.press("Escape")
    assert not detail.is_visible()
    block = _languages(page)
    block.locator(".l-task").select_option("xnli")
    block.locator("tbody tr", has_text="run-1").locator('button.n[data-l="sw"]').click()
    assert "accuracy|xnli.v1|sw|split:test" in detail.inner_text()
    detail.get_by_role("button", name="Close").click()
    assert not detail.is_visible()


def test_hostile_names_are_inert_text(page: Any) -> None:
    _languages(page).locator(".l-task").select_option("xnli")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    shown = page.locator("#panel-xtreme .block[data-protocol] tbody th bdi:first-child").all_text_contents()
    heat = page.locator("#panel-xtreme .heat tbody th bdi").all_text_contents()
    for name in HOSTILE:
        assert name in shown
        assert name in heat
    row = page.locator("#panel-xtreme .block[data-protocol] tbody tr", has_text="onerror").first
    row.locator("button.n").click()
    assert "</script><script>" in page.locator("#detail").inner_text()
    assert page.locator("#detail img, #detail script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.parametrize("page", [{"color_scheme": "dark"}, {"color_scheme": "light"}], indirect=True)
def test_dark_mode_follows_the_system_and_the_button(page: Any) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    dark, light = "rgb(18, 22, 27)", "rgb(255, 255, 255)"
    before = page.evaluate(background)
    assert before in (dark, light)
    assert (before == dark) == page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.locator("#theme").click()
    assert page.evaluate(background) == (light if before == dark else dark)


def test_intervals_are_shown_on_request_and_in_print(page: Any) -> None:
    interval = page.locator("#panel-xtreme .block[data-protocol] .ci").first
    assert not interval.is_visible()
    page.get_by_label("show intervals").check()
    assert interval.is_visible()
    page.get_by_label("show intervals").uncheck()
    page.emulate_media(media="print")
    assert interval.is_visible()
    assert page.locator("#panel-retrieval").is_visible()


@pytest.mark.parametrize("page", [{"color_scheme": "dark"}, {"color_scheme": "light"}], indirect=True)
def test_axe_finds_nothing_serious(page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    _languages(page)
    for step in ("page", "dialog"):
        if step == "dialog":
            page.locator("#panel-xtreme button.n").first.click()
        found = axe.Axe().run(page).response["violations"]
        serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
        assert serious == []


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    for at in range(page.get_by_role("tab").count()):
        page.get_by_role("tab").nth(at).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("tab").first.click()
    if SCREENSHOTS:
        page.screenshot(path=str(Path(SCREENSHOTS) / f"page-{width}.png"), full_page=True)
