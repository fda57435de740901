"""Sensitivity files: read strictly, written so that they read back the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.instruments.factors import Factor
from crossmargin.venues.crif import CrifLine, crif_text, read_crif, write_crif
from tests.margin.families.simm_made_up import random_factor

HEAD = "ProductClass,RiskType,Qualifier,Bucket,Label1,Label2,Amount,AmountCurrency,AmountUSD"
GOOD = "RatesFX,Risk_FX,EUR,,,,5,USD,5"


def written(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "book.csv"
    path.write_text("\n".join((head, *lines)) + "\n", encoding="utf-8")
    return path


def test_one_line_and_its_defaults(tmp_path: Path) -> None:
    (line,) = read_crif(written(tmp_path, GOOD, ""), account="desk")
    assert line.account == "desk"
    assert (line.factor, line.amount) == (Factor("RatesFX", "Risk_FX", "EUR"), 5.0)
    assert line.place.endswith("book.csv:2")


def test_names_of_columns_tabs_and_what_is_carried_along(tmp_path: Path) -> None:
    head = "TradeID,portfolio_id,product class,RISKTYPE,qualifier,bucket,label1,label2,amount_usd"
    line = "t1,p1,Commodity,Risk_Commodity,BTC,16,,,-1e6"
    path = written(tmp_path, line.replace(",", "\t"), head=head.replace(",", "\t"))
    (found,) = read_crif(path)
    assert (found.account, found.amount, found.other) == ("p1", -1e6, (("TradeID", "t1"),))


def test_parameter_lines_and_regulators(tmp_path: Path) -> None:
    head = HEAD + ",IMModel,CollectRegulations,PostRegulations"
    rows = (
        ',Param_ProductClassMultiplier,RatesFX,,,,1.5,,,,"USPR, ESA",',
        ",Notional,Product A,,,,-7,USD,-7,SIMM,,ESA",
        ",Param_AddOnFixedAmount,,,,,10,USD,10,,,",
    )
    times, notional, fixed = read_crif(written(tmp_path, *rows, head=head))
    assert (times.amount, times.collect, times.post) == (1.5, ("USPR", "ESA"), ())
    assert (notional.amount, notional.post) == (7.0, ("ESA",))
    assert notional.other == (("IMModel", "SIMM"),)
    assert fixed.amount == 10.0


BAD = [
    ("RatesFX,Risk_Rain,EUR,,,,5,USD,5", "option_unknown", ":2"),
    ("RatesFX,Risk_FX,EUR,,,,5,USD,nan", "number_not_finite", "AmountUSD"),
    ("RatesFX,Risk_FX,EUR,,,,5,USD,five", "number_unreadable", "AmountUSD"),
    ("RatesFX,Risk_FX,EUR,,,,,,", "number_unreadable", "Amount"),
    ("RatesFX,Risk_FX,EUR,,,,5,JPY,", "currency_unknown", "AmountUSD"),
    ("RatesFX,Risk_FX,EURO,,,,5,USD,5", "currency_unknown", ":2"),
    ("Commodity,Risk_Commodity,BTC,99,,,5,USD,5", "option_unknown", ":2"),
    ("RatesFX,Risk_IRVol,USD,,4y,,5,USD,5", "option_unknown", ":2"),
    ("RatesFX,Risk_FX,EUR,,,,5,USD", "column_missing", ":2"),
    ("RatesFX,Risk_FX,EUR,,,,5,USD,5,5", "column_unknown", ":2"),
    ('RatesFX,Risk_FX,"EUR,,,,5,USD,5', "file_unreadable", ":2"),
]


@pytest.mark.parametrize(("line", "code", "where"), BAD)
def test_bad_lines_are_refused(tmp_path: Path, line: str, code: str, where: str) -> None:
    with pytest.raises(InputError) as caught:
        read_crif(written(tmp_path, line))
    assert caught.value.code == code
    assert where in caught.value.place
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (HEAD.replace("RiskType", "Type"), "column_missing"),
        (HEAD.replace("AmountUSD", "x").replace("Amount,", "y,"), "column_missing"),
        (HEAD.replace("Label2", "Label1"), "column_unknown"),
        (HEAD.replace("Label2", ""), "column_unknown"),
    ],
)
def test_bad_headers_are_refused(tmp_path: Path, head: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read_crif(written(tmp_path, GOOD, head=head))
    assert caught.value.code == code


def test_another_model_and_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="another model"):
        read_crif(written(tmp_path, GOOD + ",Schedule", head=HEAD + ",IMModel"))
    for path in (written(tmp_path), tmp_path / "empty.csv"):
        path.touch()
        with pytest.raises(InputError) as caught:
            read_crif(path)
        assert caught.value.code == "book_empty"
    with pytest.raises(InputError, match="cannot be read"):
        read_crif(tmp_path / "absent.csv")


def test_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    lines = [
        CrifLine(f"p{k % 3}", random_factor(rng), float(rng.normal() * 1e7)) for k in range(60)
    ]
    lines.append(CrifLine("p0", Factor("", "Param_ProductClassMultiplier", "Credit"), 1.25))
    lines.append(
        CrifLine("p0", lines[0].factor, 0.1, ("ESA", "USPR"), ("JFSA",), (("id", 'a,"b'),))
    )
    path = tmp_path / "out.csv"
    write_crif(lines, path)
    again = read_crif(path)
    assert [(x.account, x.factor, x.amount, x.collect, x.post, x.other) for x in again] == [
        (x.account, x.factor, x.amount, x.collect, x.post, x.other) for x in lines
    ]
    assert crif_text(again) == path.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        write_crif(lines, tmp_path / "no" / "folder.csv")
