"""Running Open Source Risk Engine from its wheel: one analytic, from files, in a folder of its own.

ORE has no call that takes numbers: it reads a control file that names others. An analytic that
prices nothing still builds a market, so there is a curve configuration, conventions, pricing
engines and a market of one exchange rate. Traps met on the way are said where they are avoided.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

__all__ = ["OreFailed", "report_of"]

AS_OF = "2025-12-30"
_FILES = {
    "curves.xml": "<CurveConfiguration/>",
    "conventions.xml": "<Conventions/>",
    "engines.xml": (
        '<PricingEngines><Product type="CashPosition"><Model>DiscountedCashflows</Model>'
        "<ModelParameters/><Engine>CashPositionDiscountingEngine</Engine><EngineParameters/>"
        "</Product></PricingEngines>"
    ),
    # A market without any quote that is asked for is refused.
    "todaysmarket.xml": (
        '<TodaysMarket><Configuration id="default"><FxSpotsId>default</FxSpotsId>'
        '</Configuration><FxSpots id="default"><FxSpot pair="EURUSD">FX/EUR/USD</FxSpot>'
        "</FxSpots></TodaysMarket>"
    ),
    "market.txt": f"{AS_OF.replace('-', '')} FX/RATE/EUR/USD 1.1\n",
    "fixings.txt": "",
}
_SETUP = {
    "asofDate": AS_OF,
    "baseCurrency": "USD",
    "logFile": "log.txt",
    "logMask": "15",
    "marketDataFile": "market.txt",
    "fixingDataFile": "fixings.txt",
    "curveConfigFile": "curves.xml",
    "conventionsFile": "conventions.xml",
    "marketConfigFile": "todaysmarket.xml",
    "pricingEnginesFile": "engines.xml",
    "portfolioFile": "",
}


class OreFailed(Exception):  # noqa: N818 - it is named for what happened
    """ORE wrote no report; the message is its last complaint."""


def report_of(
    analytic: str,
    report: str,
    parameters: Mapping[str, str],
    files: Mapping[str, str],
    setup: Mapping[str, str] | None = None,
) -> dict[str, list[Any]]:
    """Run one analytic and give the columns of one of its reports by name.

    ``files`` are written beside the control file. Raises :class:`OreFailed`, or ImportError where
    the wheel is not installed.
    """
    import ORE

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, text in {**_FILES, **files}.items():
            (folder / path).write_text(text, "utf-8")
        settings = {**_SETUP, **(setup or {}), "inputPath": name, "outputPath": name}
        (folder / "ore.xml").write_text(_control(analytic, settings, parameters), "utf-8")
        given = ORE.Parameters()
        given.fromFile(str(folder / "ore.xml"))
        app = ORE.OREApp(given, False)
        try:
            app.run()
            found = _columns(app.getReport(report))
        except RuntimeError as cause:
            raise OreFailed(_complaint(folder / "log.txt") or str(cause)) from None
        return found


def _control(analytic: str, setup: Mapping[str, str], parameters: Mapping[str, str]) -> str:
    def listed(values: Mapping[str, str]) -> str:
        return "".join(
            f'<Parameter name="{name}">{escape(value)}</Parameter>'
            for name, value in values.items()
        )

    return (
        f"<ORE><Setup>{listed(setup)}</Setup>"
        '<Markets><Parameter name="pricing">default</Parameter></Markets>'
        f'<Analytics><Analytic type="{analytic}"><Parameter name="active">Y</Parameter>'
        f"{listed(parameters)}</Analytic></Analytics></ORE>"
    )


def _complaint(log: Path) -> str:
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    alerts = [line.split(" : ", 1)[-1] for line in lines if line.startswith("ALERT")]
    return alerts[0][:300] if alerts else ""


def _columns(report: Any) -> dict[str, list[Any]]:
    kinds = (report.dataAsSize, report.dataAsReal, report.dataAsString, report.dataAsDate)
    return {report.header(k): list(kinds[report.columnType(k)](k)) for k in range(report.columns())}
