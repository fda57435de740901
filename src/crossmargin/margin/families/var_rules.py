"""The rules of the value-at-risk members in words, with sources and how well each is known."""

from __future__ import annotations

from crossmargin.margin.model import Fidelity, Rule

__all__ = ["BALANCE", "CLASSICAL", "rules_of"]

BALANCE = "cash, unrealised profit, option value at mark and coins held at their index; no haircut"

_TEXTBOOK = "McNeil, Frey and Embrechts, Quantitative Risk Management, 2015, chapters 2 and 9"
_OWN = "this project's own rule"

# Where the figures come from: text, and its source.
CLASSICAL: dict[str, tuple[str, str]] = {
    "historical": (
        "every line is revalued in past joint moves of prices and thirty-day volatilities; a "
        "volatility moves by maturity with (30 / days)^p; time, funding and expiries of the "
        "horizon are in the P&L",
        _TEXTBOOK,
    ),
    "filtered": (
        "as past moves, each series first divided by its volatility of the day and multiplied by "
        "today's",
        "Hull and White 1998; Barone-Adesi, Giannopoulos and Vosper 1999",
    ),
    "montecarlo": (
        "every line is revalued in draws from a Student-t copula with Student-t margins of prices "
        "and thirty-day volatilities; otherwise as past moves",
        "Demarta and McNeil, The t copula and related copulas, 2005",
    ),
    "parametric": (
        "deltas, gammas and vegas of the account against normal joint moves of prices and "
        "thirty-day volatilities; time, funding and expiries of the horizon are in the mean",
        "Jorion, Value at Risk, 2007, chapter 10; Cornish and Fisher 1938",
    ),
}


def rules_of(text: str, source: str, *, errors: bool = True) -> tuple[Rule, ...]:
    """The rules of one member; a parametric one has no standard error."""
    known = Fidelity.STATED
    figures = (
        Rule("value_at_risk", f"loss at the quantile of the level: {text}", source, known),
        Rule("expected_shortfall", f"mean loss in the tail: {text}", source, known),
    )
    error = Rule(
        "standard_error",
        "of the figure that margins, for independent moves; by blocks where windows overlap",
        "Bloch and Gastwirth 1968; Chen 2008; Politis and Romano 1992",
        known,
    )
    rest = (
        Rule(
            "exit",
            "root of the days to exit over the horizon: gross coins of options and of all else, "
            "against a share of what trades a day",
            _OWN,
            known,
        ),
        Rule(
            "order_margin",
            "upper bound over all subsets of fills: in each move, the fills that lose there",
            _OWN,
            known,
        ),
        Rule("levels", "IM and MM are factors of the requirement", _OWN, known),
        Rule("balance_side", BALANCE, _OWN, known),
    )
    return (*figures, *((error,) if errors else ()), *rest)
