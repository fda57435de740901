"""``python -m peers [--only NAMES] [--vectors DIR]``: run, show, and write result and page."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from peers.fresh import REPOSITORY, fingerprint, sources
from peers.page import page
from peers.report import Line, Report, unexplained

__all__ = ["COMPARISONS", "main"]

# Name -> (module, whether it takes the folder of vectors).
COMPARISONS = {
    "simm": ("simm_ore", True),
    "var-ore": ("var_ore", False),
    "var-quantlib": ("var_quantlib", False),
    "strategies": ("strategies_estimator", True),
    "portfolios": ("portfolios", False),
    "portfolio-tails": ("portfolio_tails", False),
    "portfolio-parity": ("portfolio_parity", False),
    "portfolio-views": ("portfolio_views", False),
    "portfolio-costs": ("portfolio_costs", False),
}
PACKAGES = (
    "open-source-risk-engine",
    "QuantLib",
    "margin-estimator",
    "PyPortfolioOpt",
    "skfolio",
    "Riskfolio-Lib",
    "cvxportfolio",
)
RESULT = REPOSITORY / "peers" / "result.json"
PAGE = REPOSITORY / "docs" / "peers.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 where a line is not explained, 2 where the command line is wrong."""
    parser = argparse.ArgumentParser(prog="python -m peers", description=__doc__)
    names = ", ".join(COMPARISONS)
    parser.add_argument("--only", metavar="NAMES", help=f"some of {names}, with commas")
    parser.add_argument(
        "--vectors",
        type=Path,
        default=REPOSITORY.parent / "shared" / "vectors",
        help="folder of recorded parameter files and calls (default: ../shared/vectors)",
    )
    chosen = parser.parse_args(arguments)
    wanted = list(COMPARISONS) if chosen.only is None else chosen.only.split(",")
    for name in wanted:
        if name not in COMPARISONS:
            parser.error(f"no such comparison: {name} (there are {names})")
    try:
        versions = {name: version(name) for name in PACKAGES}
    except PackageNotFoundError as absent:
        print(f"peers: {absent.name} is not installed: run `make peers`", file=sys.stderr)
        return 2
    found = sources()
    report = Report(versions, found, fingerprint(found))
    for name in wanted:
        report.lines += _run(name, chosen.vectors)
    print(report.table())
    if chosen.only is None:
        report.save(RESULT)
        PAGE.write_text(page(report), "utf-8")
        print(f"written: {RESULT.relative_to(REPOSITORY)} and {PAGE.relative_to(REPOSITORY)}")
    wrong = unexplained(report.lines)
    for line in wrong:
        print(f"peers: {line.peer}, {line.what}: {line.verdict}, not explained", file=sys.stderr)
    return 1 if wrong else 0


def _run(name: str, vectors: Path) -> list[Line]:
    """The lines of one comparison; its time goes to the error stream, not into the result."""
    now = time.perf_counter()
    module, takes_vectors = COMPARISONS[name]
    lines: Callable[..., list[Line]] = import_module(f"peers.{module}").lines
    made = lines(vectors) if takes_vectors else lines()
    print(f"{name}: {time.perf_counter() - now:.0f} s", file=sys.stderr, flush=True)
    return made


if __name__ == "__main__":
    sys.exit(main())
