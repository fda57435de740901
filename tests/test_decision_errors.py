"""Wrong input typed at a decision command: refused by the flag's own name, with what was typed."""

from __future__ import annotations

import pytest

from crossmargin.interfaces.cli import main

RETAIL = ("sample:retail-short-vol", "--market", "sample:market")
PRICES = ("--history", "sample:market")
WRONG = [
    ("optimise", RETAIL, ("--delta", "-0.1"), ("at --delta, was -0.1",)),
    ("optimise", RETAIL, ("--vega", "nan"), ("at --vega, was nan",)),
    ("optimise", RETAIL, ("--worse", "-1"), ("at --worse, was -1.0",)),
    ("optimise", RETAIL, ("--legs", "-2"), ("at --legs, was -2",)),
    ("rank", RETAIL, ("--top", "-1"), ("at --top, was -1",)),
    ("allocate", ("sample:three-venues",), ("--rate", "-1"), ("at --rate, was -1.0",)),
    ("allocate", ("sample:three-venues",), ("--buffer-usd", "perp=-5"),
     ("at --buffer-usd perp, was -5.0",)),
    ("attribute", RETAIL, ("--rate", "-1"), ("at --rate, --days",)),
    ("attribute", RETAIL, ("--level", "xx"), ("at --account, --level", "level xx")),
    ("frontier", PRICES, ("--points", "0"), ("at --points, was 0",)),
    ("frontier", PRICES, ("--estimator", "foo"), ("at --estimator, was 'foo'", "ledoit-wolf")),
    ("frontier", PRICES, ("--mean", "foo"), ("at --mean, was 'foo'", "bayes-stein")),
    ("frontier", PRICES, ("--current", "BTC=0.5"), ("at --current, was 'BTC=0.5'", "FILE.csv")),
    ("frontier", ("no-such.csv",), (), ("No such file or directory", "at no-such.csv")),
    ("rebalance", RETAIL, ("--delta-band", "5000", "--with", "BTC-FOO"),
     ("at --with, was 'BTC-FOO'",)),
    ("rebalance", RETAIL, ("--delta-band", "5000", "--margin-rate", "-1"),
     ("at --margin-rate, was -1.0",)),
    ("protect", RETAIL, ("--strategies", "foo"), ("at --strategies, was 'foo'",)),
    ("protect", RETAIL, ("--expiries", "0"), ("at --expiries, was 0",)),
    ("protect", RETAIL, ("--tail-budget", "-1"), ("at --tail-budget, was -1.0",)),
    ("protect", RETAIL, ("--cppi", "0"), ("at --cppi, was 0.0",)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "source", "flags", "words"), WRONG, ids=lambda each: " ".join(each)[:40]
)
def test_the_flag_and_what_was_typed_are_named(
    command: str,
    source: tuple[str, ...],
    flags: tuple[str, ...],
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([command, *source, *flags]) == 2
    told = " ".join(capsys.readouterr().err.split())
    for each in words:
        assert each in told


def test_a_coin_in_small_letters_is_that_coin(capsys: pytest.CaptureFixture[str]) -> None:
    own = ["--market", "sample:market", "--expiries", "1", "--json"]
    assert main(["protect", "btc:5", *own]) == 0
    small = capsys.readouterr().out
    assert main(["protect", "BTC:5", *own]) == 0
    assert small.replace("btc:5", "BTC:5") == capsys.readouterr().out
