"""The page of a result: self-contained, escaped, equal to the result, and readable in a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.receipt import Receipt
from crossmargin.interfaces.report import DRAWN, report_html, write_report
from crossmargin.interfaces.report_cases import CELLS
from crossmargin.interfaces.results import CompareResult, MarginResult
from crossmargin.interfaces.tables import Document
from crossmargin.margin.model import Requirement
from crossmargin.sample import book_path, market_path
from tests.interfaces.browser import Browser
from tests.interfaces.pages import DRAW_MAX_S, SIZE_MAX, WIDTHS, Page


@pytest.fixture(scope="module")
def margin_page(crossed: MarginResult) -> str:
    return report_html(crossed)


@pytest.fixture(scope="module")
def compare_page(compared: CompareResult) -> str:
    return report_html(compared)


@pytest.fixture(scope="module")
def maker_compare_page(maker: str, market: str) -> str:
    return report_html(xm.compare(maker, market))


@pytest.fixture(params=["margin_page", "compare_page", "maker_compare_page"])
def page(request: pytest.FixtureRequest) -> str:
    text: str = request.getfixturevalue(request.param)
    return text


# -- what the page holds -------------------------------------------------------------------------


def test_the_page_is_self_contained(page: str) -> None:
    found = Page(page)
    assert not set(found.tags) & {"script", "iframe", "object", "embed", "img", "form", "base"}
    for tag, name, value in found.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name != "style", (tag, value)
        if name in ("href", "src", "xlink:href", "action", "srcset", "poster"):
            assert value.startswith("#") or value == "data:,", (tag, value)
    assert "://" not in page
    assert "url(" not in page
    assert "@import" not in page
    policy = next(value for _, name, value in found.attributes if value.startswith("default-src"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_page_is_small(page: str) -> None:
    assert len(page.encode()) <= SIZE_MAX


def test_every_chart_has_words_and_a_table(margin_page: str) -> None:
    found = Page(margin_page)
    labels = [
        value for tag, name, value in found.attributes if (tag, name) == ("svg", "aria-label")
    ]
    # Two maps at least, the lines, the bars: each in the two layouts.
    assert len(labels) >= 8
    assert len(labels) % 2 == 0
    assert all(labels)
    assert sum("The numbers of this chart" in word for word in found.words) >= 3
    assert any("All positions" in word for word in found.words)


def test_the_numbers_are_those_of_the_result(margin_page: str, crossed: MarginResult) -> None:
    entry = crossed.accounts[0]
    words = " ".join(Page(margin_page).words)
    for value in (entry["im_usd"], entry["mm_usd"], entry["equity_usd"]):
        assert f"{value:,.0f}" in words
    assert f"{entry['counted_mm_usd'] - entry['mm_usd']:,.0f}" in words
    assert entry["account"] in words
    assert crossed.figures["as_of"] in words
    assert crossed.receipt.book in words
    assert crossed.receipt.command in words
    for share in crossed.figures["fidelity"].values():
        if share > 0.0:
            assert f"{100.0 * share:.1f} %" in words


def test_the_surface_holds_the_plain_run(margin_page: str, crossed: MarginResult) -> None:
    entry = crossed.accounts[0]
    body = Page(margin_page).table("spot", "vol −30 %\nUSD")
    assert len(body) == 33
    assert len(body[0]) == 10
    now = next(row for row in body if row[0] == "0.0 %")
    assert now[4] == f"{entry['counted_mm_usd'] - entry['mm_usd']:,.0f}"
    assert body[0][0] == "-40.0 %"
    assert body[-1][0] == "40.0 %"


def test_contributions_add_up_and_scenarios_are_all_there(
    margin_page: str, crossed: MarginResult
) -> None:
    found = Page(margin_page)
    pool = crossed.explain().to_dict()["explain"]["pools"][0]
    shares = found.table("position", "quantity")
    total = float(shares[-1][2].replace(",", ""))
    assert shares[-1][0] == "initial margin"
    assert total == round(pool["im"]["value"])
    # Every printed share is rounded to a dollar.
    added = sum(float(row[2].replace(",", "")) for row in shares[:-1])
    assert abs(added - total) <= len(shares)
    cells = found.table("scenario", "counted\nUSD")
    assert [row[0] for row in cells] == [cell["scenario"] for cell in pool["grid"]["cells"]]
    printed = [float(row[1].replace(",", "")) for row in cells]
    exact = [cell["counted"] for cell in pool["grid"]["cells"]]
    assert printed == pytest.approx(exact, abs=0.5)
    assert [row[3].strip() for row in cells].count("worst") == 1
    rules = found.table("rule", "known")
    assert len(rules) == len(crossed.explain().to_dict()["explain"]["rules"])
    tree = found.table("requirement", "value\nUSD")
    assert tree[0][0] == "initial margin (IM)"
    assert tree[0][1] == f"{pool['im']['value']:,.0f}"


def test_a_comparison_has_a_line_a_model(compare_page: str, compared: CompareResult) -> None:
    found = Page(compare_page)
    good = [row for row in compared.figures["models"] if row["error"] is None]
    for row in good:
        assert f"{row['cash_to_hold_usd']:,.2f}" in compare_page or (
            f"{row['cash_to_hold_usd']:,.0f}" in compare_page
        )
    assert len(good) > DRAWN
    assert f"of the first {DRAWN} models" in compare_page
    heads = next(
        table[0] for table in found.tables if len(table) == 34 and len(table[0]) == DRAWN + 1
    )
    names = [row["model"] for row in good[:DRAWN]]
    assert [head.partition("\n")[0] for head in heads[1:]] == names


def test_a_model_that_cannot_margin_the_book_has_no_surface(market: str) -> None:
    result = xm.compare(str(book_path("inverse-perp-basis")), market, "deribit-spm")
    bad = {**result.figures["models"][0], "model": "derive-pm2", "error": "no such market"}
    figures = {**result.figures, "models": [*result.figures["models"], bad]}
    changed = CompareResult(result.rows, figures, result.receipt, result.book, result.snapshot)
    text = report_html(changed)
    assert "no such market" in text
    assert "under 1 models" in text


NAME = "<script>alert(1)</script>&\"'"


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    """A book whose account is called like a script."""
    import csv

    with book_path("retail-short-vol").open() as source:
        rows = list(csv.reader(source))
    at = rows[0].index("account")
    path = tmp_path / "hostile.csv"
    with path.open("w", newline="") as target:
        csv.writer(target).writerows(
            [rows[0], *([*row[:at], NAME, *row[at + 1 :]] for row in rows[1:])]
        )
    return str(path)


def test_every_text_is_escaped(hostile: str, market: str) -> None:
    for text in (
        report_html(xm.margin(hostile, market, "fixed-rate")),
        report_html(xm.compare(hostile, market, "fixed-rate")),
    ):
        found = Page(text)
        assert "script" not in found.tags
        assert "<script" not in text
        assert NAME in "".join(found.words)


# -- the verbs ------------------------------------------------------------------------------------


def test_the_methods_and_the_verb_write_the_same_page(
    margined: MarginResult, compared: CompareResult, tmp_path: Path
) -> None:
    heard: list[tuple[int, int]] = []
    first = write_report(
        margined, tmp_path / "a.html", progress=lambda done, total: heard.append((done, total))
    )
    second = xm.report(margined, str(tmp_path / "b.html"))
    third = margined.report(tmp_path / "c.html")
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()
    assert heard[0] == (1, CELLS)
    assert heard[-1] == (CELLS, CELLS)
    assert compared.report(tmp_path / "d.html").read_text().startswith("<!DOCTYPE html>")


def test_several_accounts_need_a_name(retail: str, market: str, tmp_path: Path) -> None:
    text = Path(retail).read_text()
    path = tmp_path / "two.csv"
    path.write_text(text + text.replace("retail", "other").partition("\n")[2])
    result = xm.margin(str(path), market, "fixed-rate")
    with pytest.raises(InputError, match="a report is of one account"):
        result.report(tmp_path / "two.html")
    with pytest.raises(InputError, match="no such account"):
        result.report(tmp_path / "two.html", "third")
    page = result.report(tmp_path / "two.html", "other").read_text()
    assert "Margin of account other" in page
    assert "2 accounts (this page is of one)" in page


def test_what_cannot_be_drawn_or_written_is_an_error(
    margined: MarginResult, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="the folder does not exist"):
        margined.report(tmp_path / "absent" / "a.html")
    with pytest.raises(InputError, match="cannot be written"):
        margined.report(tmp_path)
    with pytest.raises(InputError, match="no report is made of this"):
        report_html("a text")  # type: ignore[arg-type] # what a caller may do


class Changed:
    """A result with a before and an after."""

    def __init__(self, before: MarginResult, after: MarginResult) -> None:
        self.before, self.after = before, after

    @property
    def receipt(self) -> Receipt:
        return self.after.receipt

    def document(self) -> Document:
        return Document("what if", ("sold one call",), (), ("a note",))

    def report_requirements(self) -> Mapping[str, Requirement]:
        return {"before": self.before.requirement, "after": self.after.requirement}


def test_a_result_of_several_requirements_is_drawn_side_by_side(retail: str, market: str) -> None:
    before = xm.margin(retail, market, "deribit-spm")
    after = xm.margin(retail, market, "deribit-xpm")
    text = report_html(Changed(before, after))
    found = Page(text)
    for words in ("what if", "sold one call", "a note", "Deribit cross portfolio margin"):
        assert words in text
    assert len(found.table("spot", "before\nUSD", "after\nUSD")) == 33
    assert text.count('<details class="model">') == 2


@pytest.mark.parametrize("verb", ["margin", "compare"])
def test_the_command_writes_the_page_and_prints_what_it_prints(
    verb: str, retail: str, market: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.html"
    arguments = [verb, retail, "--market", market, "--json"]
    assert main(arguments) == 0
    plain = capsys.readouterr().out
    assert main([*arguments, "--report", str(path)]) == 0
    found = capsys.readouterr()
    assert found.out == plain
    assert found.err == ""
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert main([verb, retail, "--market", market, "--report", str(path)]) == 0
    assert f"report written to {path}" in capsys.readouterr().err.replace("\n", "")
    assert main([*arguments, "--report", str(tmp_path / "absent" / "page.html")]) == 2
    assert "the folder does not exist" in capsys.readouterr().err


# -- in a browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(
    margin_page: str,
    maker_compare_page: str,
    market: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    derive = xm.margin(str(book_path("market-maker")), str(market_path()), "derive-pm2")
    short = xm.margin(str(book_path("retail-short-vol")), market, "deribit-spm")
    texts = {
        "margin": margin_page,  # 200 legs, no zero line
        "compare": maker_compare_page,  # 200 legs, every model
        "derive": report_html(derive),  # two pools, two dozen moves
        "short": report_html(short),  # one coin, a zero line
        "blank": "<!DOCTYPE html><title>blank</title>",
    }
    out = {}
    for name, text in texts.items():
        out[name] = folder / f"{name}.html"
        out[name].write_text(text, encoding="utf-8")
    return out


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["margin", "compare", "derive", "short"])
def test_charts_are_readable(
    name: str, width: int, files: dict[str, Path], browser: Browser
) -> None:
    found = browser.measure(files[name], width)
    assert found["charts"] >= 4
    assert found["texts"] >= 200
    assert found["overlaps"] == []
    assert found["outside"] == []
    assert found["small"] == []
    assert found["page_width"] <= found["window_width"] == width
    assert found["laid_out_ms"] <= 1000.0 * DRAW_MAX_S


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["margin", "compare"])
def test_the_page_draws_offline_in_time_without_complaint(
    name: str, width: int, files: dict[str, Path], browser: Browser, tmp_path: Path
) -> None:
    shot = browser.shoot(files[name], tmp_path / "page.png", width)
    assert shot.console == []
    assert (shot.width, shot.height) == (width, 2000)
    # A picture of the top of a page of 200 legs is not a blank one.
    assert (tmp_path / "page.png").stat().st_size > 50_000
    start = min(browser.shoot(files["blank"], tmp_path / "b.png", width).seconds for _ in range(2))
    assert shot.seconds - start <= DRAW_MAX_S


def test_the_browser_would_complain(browser: Browser, tmp_path: Path, margin_page: str) -> None:
    """What the tests above rely on: a script is refused by the policy, and said so."""
    page = tmp_path / "planted.html"
    page.write_text(margin_page.replace("</body>", "<script>document.title='x'</script></body>"))
    shot = browser.shoot(page, tmp_path / "planted.png", 1280)
    assert any(re.search(r"Content Security Policy", line) for line in shot.console)


def test_the_measure_would_find_an_overlap(
    browser: Browser, tmp_path: Path, margin_page: str
) -> None:
    page = tmp_path / "planted.html"
    planted = '<text x="10" y="60" font-size="12">one over the other</text>' * 2
    planted += '<text x="1030" y="60" font-size="12">beyond the edge</text>'
    page.write_text(margin_page.replace("</svg>", planted + "</svg>", 1))
    found = browser.measure(page, 1280)
    assert found["overlaps"] != []
    assert found["outside"] != []
