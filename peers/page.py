"""The page of a result, in the documents."""

from __future__ import annotations

from peers.report import Report

__all__ = ["page"]

_HEAD = """# Beside the installable peers

Written by `make peers`, which sets up an environment of its own (`.venv-peers`, locked by hash in
`requirements/peers.txt`), runs the classical models, the portfolios and other people's software on
the same inputs, and writes this page and `peers/result.json`. It takes two minutes or so.
`make test` does not run it: it checks that the committed result is that of the sources at hand.

```
make peers
.venv-peers/bin/python -m peers --only strategies   # some comparisons, shown and not written
.venv-peers/bin/python -m peers --vectors DIR       # where parameter files and calls lie
```

The exit status is 1 where a line comes out otherwise than its reason explains, 2 for a wrong
command line.

- **Inputs are drawn from seeds**: books, profit samples, prices, Greeks, returns of portfolios of
  4, 10 and 30 assets, and a whole set of numbers for the sensitivities model, which both sides
  read. So no licensed number is needed, and what is compared is the rule.
- **A reason is put to the test.** Where the two part, the line says why, and a further one takes
  the reason away: it asks the peer in another way, or takes ours under its convention.
- The **worst difference** is relative to the larger of the two figures. Up to 1e-9 it is rounding,
  or the peer's approximation of the normal quantile. Of portfolio weights it is absolute, where 1
  is the whole budget, and "agrees" is to 1e-5 unless the line says otherwise: what is left is the
  peers' iterative solvers, whose own default accuracy has lines of its own.
"""

_PACKAGES = {
    "open-source-risk-engine": ("BSD, 3 clauses", "SIMM, historical and parametric value at risk"),
    "QuantLib": ("BSD, 3 clauses", "risk statistics of samples"),
    "margin-estimator": ("MIT", "strategy-based margin"),
    "PyPortfolioOpt": ("MIT", "mean and variance, shortfall, hierarchy, views, costs"),
    "skfolio": ("BSD, 3 clauses", "mean and variance, shortfall, risk parity, views, costs"),
    "Riskfolio-Lib": ("BSD, 3 clauses", "mean and variance, shortfall, risk parity, views"),
    "cvxportfolio": ("GPL, version 3", "costs of trading, over one period and several"),
}

_LICENCES = """## What was run

| package | version | licence | used for |
|---|---|---|---|
"""

_REST = """
None of them is shipped with the package or imported by it, so the GPL of cvxportfolio binds none of
it: developers run it beside. Riskfolio-Lib is held below 7.1, where it begins to ask for vectorbt,
which is not open source (Commons Clause) and which it does not import. ISDA SIMM is a licensed
standard: ORE carries its numbers, this package does not; the lines of ORE's own versions were run
with a parameter file that a user names, and are left out where there is none.

Not compared, and why:

- ORE prices its own portfolio (swaps, bonds, listed products) before a historical run; options on
  coins, inverse contracts and volatility moves have no counterpart there, so the books are linear.
- ORE's schedule and SA-CCR are other models. Its unsegregated regulator is not run: what is
  segregated with what is a rule of its own.
- QuantLib's Gaussian risk statistics are not in its Python wheel; its normal quantile is.
- margin-estimator has no maintenance margin, no portfolio margin and no futures.
- Of filtered and drawn moves, risk arrays (SPAN) and portfolio margin (TIMS), none of them has an
  implementation.
- Of the four for portfolios none knows a margin budget, and none a hedge by options. PyPortfolioOpt
  has no risk parity beyond the hierarchy; Riskfolio-Lib has no cost of trading, only a limit of
  turnover; cvxportfolio has no shortfall, risk parity or views; it alone plans over several
  periods. The no-trade region in continuous time is a closed form that none of them has.
- Their estimators of returns and covariance are not compared: both sides get the same moments.
"""


def page(report: Report) -> str:
    """The whole page as Markdown."""
    rows = [
        f"| {name} | {version} | {_PACKAGES[name][0]} | {_PACKAGES[name][1]} |"
        for name, version in report.versions.items()
    ]
    return f"{_HEAD}\n{report.table()}\n{_LICENCES}" + "\n".join(rows) + f"\n{_REST}"
