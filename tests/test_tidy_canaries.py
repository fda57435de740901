"""The tidy checkers on planted faults: each must be reported, and its mended twin must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidy import codes, determinism, shape, text
from tests.tidy.source import Source

PURE = "src/crossmargin/market/planted.py"


def source(body: str, path: str = PURE) -> Source:
    return Source(path, body)


def body_of(lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (lines - 1)


CASES = [
    (shape.long_functions, body_of(71), body_of(70)),
    (shape.long_module, "x = 1\n" * 501, "x = 1\n" * 500),
    (shape.missing_docstrings, "x = 1\n", '"""Says."""\n'),
    (shape.missing_docstrings, '"""M."""\ndef f(): ...\n', '"""M."""\ndef _f(): ...\n'),
    (
        shape.missing_docstrings,
        '"""M."""\nclass C:\n    """C."""\n    def f(self): ...\n',
        '"""M."""\nclass C:\n    """C."""\n    def f(self):\n        """F."""\n',
    ),
    (shape.public_names, "x = 1\n", "__all__ = ['x']\nx = 1\n"),
    (shape.public_names, "__all__ = ['y']\nx = 1\n", "__all__ = ['y']\nfrom a import b as y\n"),
    (shape.public_names, "__all__ = []\ndef f(): ...\n", "__all__ = ['f']\ndef f(): ...\n"),
    (shape.unexplained_silences, "x = 1  # noqa\n", "x = 1  # noqa: E501 - a table row\n"),
    (shape.unexplained_silences, "x = 1  # noqa: E501\n", "x = '# noqa'\n"),
    (
        shape.unexplained_silences,
        "x = 1  # type: ignore\n",
        "x = 1  # type: ignore[misc] # numba publishes no types\n",
    ),
    (shape.unexplained_silences, "x = 1  # type: ignore[misc]\n", "x = 1  # a type to note\n"),
    (determinism.foreign_imports, "import time\n", "import math\n"),
    (determinism.foreign_imports, "from datetime import datetime\n", "from numpy import array\n"),
    (determinism.foreign_imports, "import pandas as pd\n", "import numpy as np\n"),
    (determinism.foreign_imports, "def f():\n    import os\n", "def f():\n    import scipy\n"),
    (determinism.banned_calls, "t = datetime.now()\n", "t = view.as_of_ms\n"),
    (determinism.banned_calls, "t = time.time()\n", "t = lifetime.time\n"),
    (determinism.banned_calls, "r = np.random.default_rng()\n", "r = generator.normal()\n"),
    (determinism.banned_calls, "u = uuid.uuid4()\n", "u = uuid5\n"),
    (determinism.banned_calls, "for x in {1, 2}:\n    f(x)\n", "for x in (1, 2):\n    f(x)\n"),
    (determinism.banned_calls, "for x in set(y):\n    f(x)\n", "for x in sorted(set(y)): f(x)\n"),
    (determinism.banned_calls, "z = [x for x in set(y) | w]\n", "z = {x for x in set(y)}\n"),
    (determinism.banned_calls, "z = sum(x for x in {1.0})\n", "z = any(x for x in {1.0})\n"),
    (determinism.banned_calls, "z = list({1, 2})\n", "z = sorted({1, 2})\n"),
    (determinism.banned_calls, "h = hash(name)\n", "class C:\n def __hash__(s): return hash(1)\n"),
    (determinism.banned_calls, "m = np.nanmin(x)\n", "m = np.min(x)\n"),
    (determinism.banned_calls, "m = np.nanquantile(x, 0.1)\n", "m = np.quantile(x, 0.1)\n"),
    (determinism.banned_calls, "m = np.fmax(x, y)\n", "m = np.maximum(x, y)\n"),
    (
        determinism.banned_calls,
        "with np.errstate(divide='ignore'):\n    x = y / z\n",
        "with np.errstate(divide='raise'):\n    x = y / z\n",
    ),
    (
        determinism.banned_calls,
        "x = np.fmax(y, z)\n",
        "x = np.fmax(y, z)  # nondeterminism-ok: both are finite, checked above\n",
    ),
    (text.percent_names, "fee_pct = 1\n", "fee_fraction = 1  # 'fee_pct' at the venue\n"),
    (text.percent_names, "def f(pct_up): ...\n", "x = row['change_pct']\n"),
]


@pytest.mark.parametrize(("check", "bad", "good"), CASES)
def test_fault_is_reported_and_its_mended_twin_is_not(check, bad, good):
    assert check(source(bad)), "the planted fault went unseen"
    assert check(source(good)) == []


def test_a_door_may_import_what_it_guards_and_nothing_more():
    clock = "src/crossmargin/core/clock.py"
    assert determinism.foreign_imports(source("import datetime\n", clock)) == []
    assert determinism.foreign_imports(source("import time\n", clock))


def test_rooms_that_may_touch_the_world_are_not_pure():
    assert source("", "src/crossmargin/core/jit.py").is_pure
    assert not source("", "src/crossmargin/venues/deribit/payload.py").is_pure
    assert not source("", "src/crossmargin/__init__.py").is_pure


@pytest.mark.parametrize(
    "bad",
    [
        "import highspy\n",
        "from highspy import Highs\n",
        "def f():\n    from scipy.optimize import milp\n",
        "from scipy.optimize import linprog as solve\n",
        "import scipy.optimize as so\nso.linprog(c)\n",
        "from scipy import optimize\noptimize.milp(c)\n",
    ],
)
def test_a_solver_past_its_door_is_reported(bad):
    assert shape.solvers_past_the_door(source(bad, "src/crossmargin/decisions/planted.py"))
    assert shape.solvers_past_the_door(source(bad, "src/crossmargin/risk/planted.py")) == []
    assert shape.solvers_past_the_door(source(bad, "src/crossmargin/decisions/programme.py")) == []
    good = "from scipy.optimize import brentq\nfrom crossmargin.decisions import programme\n"
    assert shape.solvers_past_the_door(source(good, "src/crossmargin/decisions/planted.py")) == []


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("# TODO: later", "# todos os dias"),
        ("raise NotImplementedError", "return NotImplemented"),
    ],
)
def test_leftovers_are_reported(bad, good):
    assert text.leftovers("a.py", bad)
    assert text.leftovers("a.py", good) == []


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("see /" + "work/main/x.py", "see docs/work/x.md"),
        ("path = '/" + "tmp/x'", "path = tmp_path / 'x'"),
        ("/" + "home/me/book.csv", "https://docs.deribit.com/home/index"),
        ("https://pypi.org/simple", "from the package index"),
        ("pip --index-url x", "an index in USD"),
    ],
)
def test_machine_places_are_reported(bad, good):
    assert text.machine_places("a.md", bad)
    assert text.machine_places("a.md", good) == []


@pytest.mark.parametrize("bad", ["text\n", "# A\n\n# B\n", "text\n\n# A\n"])
def test_a_document_has_one_heading_and_opens_with_it(bad):
    assert text.headings("a.md", bad)
    assert text.headings("a.md", "# A\n\n```\n# a comment\n```\n## B\n") == []


def test_dead_links_are_reported(tmp_path: Path):
    (tmp_path / "there.md").write_text("# There\n")
    assert text.dead_links("a.md", "[x](gone.md)", tmp_path)
    good = "[x](there.md#part) [y](https://example.com/x) `[z](gone.md)`"
    assert text.dead_links("a.md", good, tmp_path) == []


def test_a_module_that_nobody_imports_is_reported():
    lonely = source('"""L."""\n', "src/crossmargin/market/lonely.py")
    user = source("from crossmargin.market import lonely\n", "src/crossmargin/interfaces/cli.py")
    named = source('REGISTER = ["crossmargin.market.lonely:Model"]\n', user.path)
    relative = source("from .lonely import f\n", "src/crossmargin/market/__init__.py")
    assert shape.unimported_modules([lonely])
    for other in (user, named, relative):
        assert shape.unimported_modules([lonely, other]) == []


def test_a_module_without_a_test_of_its_name_is_reported():
    modules = [source("", f"src/crossmargin/market/m{number}.py") for number in range(20)]
    tests = [f"tests/market/test_m{number}.py" for number in range(20)]
    assert shape.untested_modules(modules, tests) == []
    assert shape.untested_modules(modules, tests[:19]) == []  # 95 % is enough
    assert len(shape.untested_modules(modules, tests[:18])) == 2
    elsewhere = [name.replace("market", "margin") for name in tests]
    assert len(shape.untested_modules(modules, elsewhere)) == 20


ERRORS = source(
    "class BaseError(Exception): ...\nclass Failure: ...\n", "src/crossmargin/core/errors.py"
)


@pytest.mark.parametrize(
    "body",
    [
        "raise BaseError('a_code', 'text')\n",
        "raise BaseError(code='a_code')\n",
        "x = Failure('BTC', 'a_code', 'why')\n",
        "raise BaseError('a_code' if x else 'a_code', 'text')\n",
        "def f(why, code): raise BaseError(code, why)\nf('text', 'a_code')\n",
        "def f(*, tag): raise BaseError(tag)\ndef g(t): f(tag=t)\ng('a_code')\n",
        "class C:\n def f(self, code): raise BaseError(code)\n def g(self): self.f('a_code')\n",
        "def f():\n    for code in ('a_code',):\n        raise BaseError(code)\n",
    ],
)
def test_a_raised_code_is_seen_however_it_is_handed_on(body):
    errors = [ERRORS, source(body)]
    assert codes.error_codes(errors, "crossmargin.core.errors", {"a_code"}) == []
    idle = codes.error_codes(errors, "crossmargin.core.errors", {"a_code", "idle_code"})
    assert idle == ["src/crossmargin/core/errors.py:1: error code 'idle_code' is raised nowhere"]


def test_a_code_that_is_only_mentioned_is_not_raised_and_an_unknown_one_is_reported():
    mention = [ERRORS, source("x = 'a_code'\ny = print('a_code')\n")]
    assert codes.error_codes(mention, "crossmargin.core.errors", {"a_code"})
    unknown = [ERRORS, source("raise BaseError('a_cod')\n")]
    findings = codes.error_codes(unknown, "crossmargin.core.errors", {"a_code"})
    assert any("'a_cod' is not in the catalogue" in line for line in findings)


def test_only_what_runs_on_load_counts_as_imported_on_load():
    body = (
        "import crossmargin.a\n"
        "if TYPE_CHECKING:\n    import crossmargin.b\n"
        "try:\n    from crossmargin import c\nexcept ImportError:\n    pass\n"
        "def f():\n    import crossmargin.d\n"
        "class C:\n    import crossmargin.e\n"
    )
    loaded = shape.imported_modules(source(body), on_load=True)
    assert loaded == {"crossmargin.a", "crossmargin", "crossmargin.c", "crossmargin.e"}
    assert {"crossmargin.b", "crossmargin.d"} <= shape.imported_modules(source(body))
