"""Whether the committed result is that of the sources at hand: a hash of all that it depends on.

The engines that are compared count, line by line: a change of one asks for a new run. What carries
them (books, markets, the run of every model) has tests of its own and does not.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["CARRIERS", "ENGINES", "REPOSITORY", "fingerprint", "modules", "sources"]

REPOSITORY = Path(__file__).resolve().parent.parent
# Below src/crossmargin: what is compared.
ENGINES = (
    "decisions/black_litterman.py",
    "decisions/convex_qp.py",
    "decisions/critical_line.py",
    "decisions/hierarchical.py",
    "decisions/mean_variance.py",
    "decisions/multi_period.py",
    "decisions/notional_costs.py",
    "decisions/programme.py",
    "decisions/risk_parity.py",
    "decisions/shortfall.py",
    "decisions/weight_limits.py",
    "instruments/factors.py",
    "margin/families/sensitivity_*.py",
    "margin/families/strategy_*.py",
    "margin/families/var_*.py",
    "margin/models/value_at_risk.py",
    "margin/parameters/var-historical/*.toml",
    "market/history.py",
    "statistics/*.py",
    "venues/crif.py",
    "venues/sensitivity_files.py",
)
# What this folder imports besides.
CARRIERS = (
    "core/*.py",
    "instruments/book.py",
    "instruments/contracts.py",
    "margin/run.py",
    "market/view.py",
)


def modules(patterns: tuple[str, ...], root: Path = REPOSITORY) -> list[Path]:
    """Files of the package that match; ValueError where a pattern matches none."""
    out = []
    for pattern in patterns:
        found = sorted((root / "src" / "crossmargin").glob(pattern))
        if not found:
            raise ValueError(f"nothing matches {pattern}")
        out += found
    return out


def sources(root: Path = REPOSITORY) -> dict[str, str]:
    """Path -> SHA-256 of the engines, of this folder, and of the lock."""
    own = [*(root / "peers").glob("*.py"), root / "requirements" / "peers.txt"]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted([*modules(ENGINES, root), *own])
    }


def fingerprint(found: dict[str, str]) -> str:
    """One hash of all of them."""
    text = "".join(f"{name} {value}\n" for name, value in sorted(found.items()))
    return hashlib.sha256(text.encode()).hexdigest()
