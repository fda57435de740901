"""The process: one line for an error, exit status, what is imported, pipes, missing extras."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main

SOURCE = Path(__file__).resolve().parents[2] / "src"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCE)}


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def loaded_by(code: str, *arguments: str) -> set[str]:
    """Top-level packages that a piece of Python imports."""
    done = python(f"{code}\nimport sys\nprint('\\n' + ' '.join(sys.modules))", *arguments)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


HEAVY = {"numpy", "scipy", "numba", "pyarrow", "rich", "cyclopts", "highspy", "msgspec"}


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert not loaded_by("import crossmargin") & HEAVY


def test_a_command_imports_only_what_it_uses(retail: str, market: str) -> None:
    run = "import sys; from crossmargin.interfaces.cli import main; main(sys.argv[1:])"
    models = loaded_by(run, "models")
    assert not models & {"numba", "scipy", "pyarrow", "highspy"}
    margin = loaded_by(run, "margin", retail, "--market", market, "--model", "deribit-spm")
    assert {"numba", "pyarrow"} <= margin
    assert not margin & {"highspy", "pandas", "matplotlib", "pytest"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["margin", "{absent}", "--market", "{market}"], "file_unreadable"),
        (["margin", "{retail}", "--market", "{absent}"], "file_unreadable"),
        (["margin", "{retail}", "--market", "{retail}"], "column_unknown"),
        (["margin", "{retail}", "--market", "{market}", "--model", "spam"], "model_unknown"),
        (["margin", "{retail}", "--market", "{market}", "--params", "x"], "file_unreadable"),
        (["margin", "{retail}", "--market", "{market}", "--account", "x"], "option_unknown"),
        (["margin", "{retail}", "--market", "{market}", "--as-of", "noon"], "time_unreadable"),
        (["margin", "{retail}", "--market", "{market}", "--set", "x"], "option_unknown"),
        (
            ["margin", "{retail}", "--market", "{market}", "--set", "general.mm_factor=9"],
            "parameter_out_of_bounds",
        ),
        (["compare", "{retail}", "--market", "{market}", "--models", "a,b"], "model_unknown"),
        (["margin", "{retail}"], "option_unknown"),
        (["margin", "{retail}", "--market", "{market}", "--frob"], "option_unknown"),
        (["frob"], "option_unknown"),
        (["models", "frob"], "model_unknown"),
        (["market", "show", "{absent}"], "file_unreadable"),
        (["market", "check", "{damaged}"], "file_unreadable"),
        (["market", "import", "{market}", "-o", "{out}"], "file_unreadable"),
        (["margin", "{unnamed}", "--market", "{market}"], "instrument_unknown"),
        (["margin", "{nothing}", "--market", "{market}"], "book_empty"),
        (["margin", "{infinite}", "--market", "{market}"], "number_not_finite"),
        (["margin", "{twice}", "--market", "{market}"], "duplicate_row"),
        (["margin", "{late}", "--market", "{market}"], "instrument_expired"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:1] + value[-1:]),
)
def test_a_mistake_is_one_line_and_status_two(
    arguments: list[str],
    code: str,
    tmp_path: Path,
    retail: str,
    market: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    head = "venue,instrument,quantity\n"
    texts = {
        "unnamed": head + "deribit,BTC-99XYZ26-1-C,1\n",
        "nothing": head,
        "infinite": head + "deribit,BTC-PERPETUAL,inf\n",
        "twice": head + 2 * "deribit,BTC-PERPETUAL,1\n",
        "late": head + "deribit,BTC-2JUL26-60000-C,1\n",
    }
    places = {"retail": retail, "market": market, "absent": str(tmp_path / "absent.csv")}
    places |= {"out": str(tmp_path / "out.parquet"), "damaged": str(tmp_path / "damaged.parquet")}
    Path(places["damaged"]).write_bytes(Path(market).read_bytes()[:9000])
    for name, text in texts.items():
        places[name] = str(tmp_path / f"{name}.csv")
        Path(places[name]).write_text(text)
    status = main([argument.format(**places) for argument in arguments])
    found = capsys.readouterr()
    assert (status, found.out) == (2, "")
    assert found.err.startswith(f"crossmargin: {code}: "), found.err
    assert found.err.count("\n") == 1
    assert "Traceback" not in found.err


def test_duplicates_are_allowed_by_the_flag(
    tmp_path: Path, market: str, capsys: pytest.CaptureFixture[str]
) -> None:
    book = tmp_path / "twice.csv"
    book.write_text("venue,instrument,quantity\n" + 2 * "deribit,BTC-PERPETUAL,1\n")
    assert main(["margin", str(book), "--market", market, "--allow-duplicates"]) == 0
    assert "1 row was a lot of an instrument in another row" in capsys.readouterr().out


def test_a_closed_pipe_is_no_error(market: str) -> None:
    command = [sys.executable, "-m", "crossmargin", "market", "check", market, "--json"]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        error = process.stderr.read()
    assert (process.returncode, error) == (0, "")


@pytest.mark.parametrize(("absent", "extra"), [("cyclopts", "cli"), ("rich", "cli")])
def test_a_missing_extra_is_named(absent: str, extra: str) -> None:
    done = python(
        f"import sys; sys.modules['{absent}'] = None\n"
        "from crossmargin.interfaces.cli import main\nsys.exit(main(['models']))"
    )
    assert done.returncode == 2
    assert done.stderr.startswith("crossmargin: extra_missing: ")
    assert f"pip install crossmargin[{extra}]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_reader_is_named(retail: str, market: str) -> None:
    done = python(
        "import sys; sys.modules['pyarrow'] = None\n"
        "from crossmargin.interfaces.cli import main\nsys.exit(main(sys.argv[1:]))",
        *["margin", retail, "--market", market],
    )
    assert done.returncode == 2
    assert "crossmargin[files]" in done.stderr


def test_a_terminal_without_the_signs_is_no_error(maker: str, market: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "crossmargin", "margin", maker, "--market", market],
        env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Initial margin" in done.stdout


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("margin", "compare", "models", "market", "demo"))
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == "0.1.0"


SAMPLE = ["margin", "sample:retail-short-vol"]
COMMAND = [sys.executable, "-m", "crossmargin", *SAMPLE]


FULL = """
import resource, sys
from crossmargin.interfaces.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # the disk is full after 100 bytes
sys.exit(main(["models", "deribit-spm", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("form", ["--json", "--csv", ""])
def test_a_full_disk_is_one_line(form: str, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", FULL, *filter(None, [form])],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "cannot write" in done.stderr


@pytest.mark.parametrize("form", ["--json", "--explain"])
def test_a_pipe_closed_by_its_reader_is_no_error(form: str) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "--market", "sample:market", form],
        env=ENVIRONMENT,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([*SAMPLE, "--market", "sample:market", "--top", "-1"], "--top"),
        ([*SAMPLE, "--market", "sample:market", "--threads", "0"], "threads"),
        (
            [
                "compare",
                SAMPLE[1],
                "--market",
                "sample:market",
                "--models",
                "fixed-rate,fixed-rate",
            ],
            "twice",
        ),
        (["market", "import", "x.csv", "-o", "x.csv"], ".parquet"),
        ([*SAMPLE, "--market", "sample:nope"], "sample:market"),
    ],
)
def test_a_wrong_choice_is_one_clear_line(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert word in error


@pytest.mark.parametrize(
    ("arguments", "flag", "value"),
    [
        (["protect", "{retail}", "--days", "-5"], "--days", "-5.0"),
        (["protect", "{retail}", "--floor=nan"], "--floor", "nan"),
        (["rebalance", "{retail}", "--delta-band", "-5"], "--delta-band", "-5.0"),
        (["account", "{retail}", "--buffer", "-1"], "--buffer", "-1.0"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_number_out_of_bounds_is_named_by_its_flag(
    arguments: list[str],
    flag: str,
    value: str,
    retail: str,
    market: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A verb speaks of its argument, a parameter file of its entry; who typed a flag reads that."""
    line = [argument.format(retail=retail) for argument in arguments]
    assert main([*line, "--market", market]) == 2
    shown = capsys.readouterr().err
    assert f"at {flag}, was {value}," in shown
    assert "parameter file" not in shown
