"""The page of a what-if: verdict in words, before and after, legs, ranking, size; readable."""

from __future__ import annotations

from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.report import report_html
from crossmargin.interfaces.report_cases import CELLS
from crossmargin.interfaces.report_whatif import RANKED_MAX, leg_chart, whatif_head
from crossmargin.interfaces.whatif import WhatIfResult
from tests.interfaces.browser import Browser
from tests.interfaces.pages import DRAW_MAX_S, SIZE_MAX, WIDTHS, Page

CALL, PUT = "BTC-10JUL26-72000-C", "BTC-10JUL26-59000-P"
LEGS = [f"{CALL}:-1@0.0045", f"{PUT}:-2"]


@pytest.fixture(scope="module")
def results(retail: str, maker: str, market: str) -> dict[str, WhatIfResult]:
    """A what-if of every verdict and every way of asking."""
    bare = [{"type": "position", "account": "a", "venue": "deribit", "instrument": CALL,
             "quantity": -1.0}]  # fmt: skip
    many = [f"{CALL}:{-k}" for k in range(1, RANKED_MAX + 30)]
    return {
        "passes": xm.whatif(retail, market, "deribit-spm", LEGS),
        "fails": xm.whatif(
            retail, market, "deribit-spm", [f"{CALL}:-40@0.0045", f"{PUT}:2"], atomic=False
        ),
        "unknown": xm.whatif(bare, market, "deribit-spm", f"{CALL}:-1@0.005"),
        "fits": xm.whatif(retail, market, "derive-pm2", LEGS, size_to_fit=True),
        "ranked": xm.whatif(maker, market, "deribit-xpm", rank=many),  # 200 legs, a lower bound
    }


@pytest.fixture(scope="module")
def pages(results: dict[str, WhatIfResult]) -> dict[str, str]:
    return {name: report_html(result) for name, result in results.items()}


NAMES = ("passes", "fails", "unknown", "fits", "ranked")


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_the_verdict_and_every_figure(
    name: str, pages: dict[str, str], results: dict[str, WhatIfResult]
) -> None:
    text, figures = pages[name], results[name].figures
    assert len(text.encode()) <= SIZE_MAX
    assert "://" not in text
    found = Page(text)
    words = " ".join(found.words)
    verdict = figures["verdict"]
    assert verdict["text"][1:].replace(" -", " −") in words
    account = {row[0]: row[1:] for row in found.table("account", "before\nUSD", "after\nUSD")}
    for key, title in (("im_usd", "IM"), ("mm_usd", "MM"), ("equity_usd", "equity"),
                       ("cash_usd", "cash")):  # fmt: skip
        for side, shown in zip(("before", "after"), account[title], strict=False):
            value = figures[side][key]
            told = shown.removeprefix("≥").strip().replace(",", "")
            assert (told == "—") if value is None else float(told) == pytest.approx(value, abs=0.51)
    for title, key in (("premium received", "premium_usd"), ("fees", "fees_usd"),
                       ("day-one P&L after fees", "day_one_after_fees_usd")):  # fmt: skip
        assert float(account[title][2].replace(",", "")) == pytest.approx(figures[key], abs=0.51)
    legs = found.table("leg", "size")
    assert [row[0] for row in legs] == [leg["instrument"] for leg in figures["legs"]]
    greeks = found.table("Greeks")
    assert {row[1] for row in greeks} == {"delta", "gamma", "vega", "theta"}
    assert len(found.table("spot", "before\nUSD", "after\nUSD")) == 33
    assert found.tags.count("h1") == 1
    # Each chart has its table: surface twice, four lines, scenarios of after (and of before).
    assert sum("The numbers of this chart" in word for word in found.words) >= 7
    assert results[name].receipt.book in words


def test_the_after_of_the_page_is_that_of_the_what_if(
    pages: dict[str, str], results: dict[str, WhatIfResult]
) -> None:
    """The surface at no move, the tree and the contributions are of the changed book."""
    for name in ("passes", "fits"):
        found, figures = Page(pages[name]), results[name].figures
        surfaces = [t for t in found.tables if t[0][:2] == ["spot", "vol −30 %\nUSD"]]
        for side, table in zip(("before", "after"), surfaces, strict=True):
            now = next(row for row in table if row[0] == "0.0 %")
            left = figures[side]["counted_mm_usd"] - figures[side]["mm_usd"]
            assert float(now[4].replace(",", "")) == pytest.approx(left, abs=0.51)
        totals = [t[-1] for t in found.tables if t[0][:2] == ["position", "quantity"]]
        told = [float(row[2].replace(",", "")) for row in totals]
        # The tree of "before" stands in the page before that of "after".
        wanted = [figures["pools"][0][side]["im"] for side in ("before", "after")]
        assert told == pytest.approx(wanted, rel=1e-3)


def test_requirements_have_the_bits_of_the_what_if(results: dict[str, WhatIfResult]) -> None:
    for result in results.values():
        found = result.report_requirements()
        assert list(found) == ["before", "after"]
        assert found["before"] is result.prepared.core.base
        for state, need in zip((result.before, result.after), found.values(), strict=True):
            usd = [priced.usd_per_unit for priced in need.priced]
            for name, told in (("im", state.im_usd), ("mm", state.mm_usd)):
                total = 0.0
                for pool, value in zip(need.sheet.pool, need.sheet[name], strict=True):
                    total += float(value) * usd[int(pool)]
                assert total == told


def test_the_verdict_stands_first(pages: dict[str, str]) -> None:
    for name, words in {
        "passes": "Passes. The venue would take it: 7,6",
        "fails": "Fails. The venue would refuse it: initial margin of BTC is short by 3.6",
        "unknown": "Depends on the cash. No balance is known",
        "fits": "Passes. The venue would take it",
    }.items():
        place = pages[name].index('<p class="verdict')
        assert words in pages[name][place : place + 200], name
        assert place < pages[name].index("<table")
    assert 'class="verdict bad"' in pages["fails"]
    assert 'class="verdict bad"' not in pages["passes"]
    assert "Initial margin is short by" in pages["fails"]
    assert "the verdict is of the worst state on the way" in pages["fails"]
    assert "on the way" not in Page(pages["passes"]).words
    assert "Cash that must be there before" in pages["unknown"]


def test_a_trade_that_reduces_risk_is_said_to(retail: str, market: str) -> None:
    rows = [{"type": "position", "account": "a", "venue": "deribit", "instrument": CALL,
             "quantity": -10.0},
            {"type": "balance", "account": "a", "venue": "deribit", "currency": "BTC",
             "quantity": 0.05}]  # fmt: skip
    found = xm.whatif(rows, market, "deribit-spm", f"{CALL}:5", fee=0.0)
    head = " ".join(whatif_head(found.figures))
    assert found.verdict.status == "passes_reducing_risk"
    assert "Passes: reduces risk. The venue would take it, because it reduces risk: " in head
    assert "is short by" in head


def test_size_and_ranking_are_shown(
    pages: dict[str, str], results: dict[str, WhatIfResult]
) -> None:
    fit = results["fits"].figures["fit"]
    words = " ".join(Page(pages["fits"]).words)
    assert f"The largest size that passes: −{-fit['sizes'][0]:g} BTC-20260710-72000-C" in words
    assert "one step more fails" in words
    assert "one step more: the venue would refuse it" in words
    page = Page(pages["ranked"])
    ranking = results["ranked"].ranking
    tables = [t[1:] for t in page.tables if t[0][:2] == ["rank", "candidate"]]
    assert [len(table) for table in tables] == [10, RANKED_MAX]
    assert [row[1] for row in tables[1]] == [row["candidate"] for row in ranking[:RANKED_MAX]]
    assert f"all {len(ranking)} are in --json and --csv" in " ".join(page.words)
    assert "Of 129 candidates this page is of the first" in " ".join(page.words)


def test_the_chart_of_legs_holds_the_largest(results: dict[str, WhatIfResult]) -> None:
    figures = results["passes"].figures
    chart = leg_chart(figures)
    assert [value for _, value in chart.rows] == [leg["marginal_im_usd"] for leg in figures["legs"]]
    assert chart.rows[0][0] == f"−1 {CALL}"
    legs = [{**figures["legs"][0], "marginal_im_usd": float(k), "size": k} for k in range(1, 41)]
    many = leg_chart({**figures, "legs": legs})
    assert [value for _, value in many.rows] == [float(k) for k in range(21, 41)]
    assert "the 20 largest of 40" in many.title


def test_both_maps_have_one_colour_scale(pages: dict[str, str]) -> None:
    """The ends of both legends are the larger of the two: here that of after."""
    text = pages["passes"]
    section = text[text.index('id="surface"') : text.index('id="spot"')]
    assert section.count(">−56.4</text>") >= 4
    assert section.count(">+56.4</text>") == 4


def test_every_text_is_escaped(retail: str, market: str, tmp_path: Path) -> None:
    name = "<script>alert(1)</script>&\"'"
    text = Path(retail).read_text().replace(",retail,", ',"<script>alert(1)</script>&""\'",')
    path = tmp_path / "hostile.csv"
    path.write_text(text)
    found = report_html(xm.whatif(str(path), market, "fixed-rate", rank=[f"{CALL}:-1"]))
    assert "<script" not in found
    assert name in "".join(Page(found).words)


def test_method_and_command_write_the_same_page(
    results: dict[str, WhatIfResult],
    retail: str,
    market: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    heard: list[tuple[int, int]] = []
    first = results["passes"].report(tmp_path / "a.html")
    xm.report(results["passes"], tmp_path / "b.html", progress=lambda *step: heard.append(step))
    assert (heard[0], heard[-1]) == ((1, 2 * CELLS), (2 * CELLS, 2 * CELLS))
    assert (tmp_path / "b.html").read_bytes() == first.read_bytes()
    command = ["whatif", retail, "--market", market, "--model", "deribit-spm"]
    command += [word for leg in LEGS for word in ("--add", leg)]
    assert main([*command, "--json"]) == 0
    plain = capsys.readouterr()
    assert main([*command, "--json", "--report", str(tmp_path / "c.html")]) == 0
    assert capsys.readouterr() == plain
    assert (tmp_path / "c.html").read_bytes() == first.read_bytes()
    assert main([*command, "--report", str(tmp_path / "c.html")]) == 0
    assert "report written to" in capsys.readouterr().err
    assert main([*command, "--report", str(tmp_path / "absent" / "c.html")]) == 2
    assert "the folder does not exist" in capsys.readouterr().err
    with pytest.raises(InputError, match="no such account"):
        xm.report(results["passes"], tmp_path / "d.html", "nobody")


# -- in a browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("whatif_pages")
    out = {}
    for name, text in pages.items():
        out[name] = folder / f"{name}.html"
        out[name].write_text(text, encoding="utf-8")
    return out


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_charts_are_readable(
    name: str, width: int, files: dict[str, Path], browser: Browser
) -> None:
    found = browser.measure(files[name], width)
    assert found["charts"] >= 7
    assert found["overlaps"] == []
    assert found["outside"] == []
    assert found["small"] == []
    assert found["page_width"] <= found["window_width"] == width
    assert found["laid_out_ms"] <= 1000.0 * DRAW_MAX_S


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_draws_offline_without_complaint(
    width: int, files: dict[str, Path], browser: Browser, tmp_path: Path
) -> None:
    shot = browser.shoot(files["ranked"], tmp_path / "page.png", width)
    assert shot.console == []
    assert (shot.width, shot.height) == (width, 2000)
    assert (tmp_path / "page.png").stat().st_size > 50_000
