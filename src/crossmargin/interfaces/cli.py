"""The command line: reads arguments, calls a verb, shows its result. It computes nothing.

Exit status: 0 for an answer, 1 for a market that fails its check or a venue's reply that
differs from ours, 2 for one clear error.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from crossmargin.core.errors import CrossMarginError, InputError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. Errors of use and of input are one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ≥ shows ?, and no traceback
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(given)
    except CrossMarginError as error:
        print(f"crossmargin: {_by_flag(error, given).text()}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader closed the pipe (`| head`): what it wanted was written.
        _mute()
        return 0
    except OSError as error:
        # Readers and writers of files raise errors of their own: this is the output itself.
        _mute()
        print(f"crossmargin: file_unreadable: cannot write ({error.strerror}).", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("crossmargin: stopped", file=sys.stderr)
        return 130


def _by_flag(error: CrossMarginError, given: Sequence[str]) -> CrossMarginError:
    """The error at the flag that was typed, where the library speaks of its argument.

    ``days`` of a verb is ``--days`` here, and the parameter ``house.buffer`` that ``--buffer``
    changes is too.
    """
    flags = {token.partition("=")[0] for token in given if token.startswith("--")}
    flag = "--" + error.place.rpartition(".")[2].replace("_", "-")
    if flag not in flags:
        return error
    remedy = error.remedy
    if error.code == "parameter_out_of_bounds" or not remedy:
        remedy = "Give another value."
    message = error.message
    if message == f"{error.place} is refused":  # would name the same thing twice
        message = "a number is refused"
    twin = CrossMarginError(error.code, message, place=flag, limit=error.limit, remedy=remedy)
    twin.value = error.value
    return twin


def _mute() -> None:
    """What is still buffered for stdout goes nowhere, so that the exit does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    try:
        from cyclopts import CycloptsError

        from crossmargin.interfaces.commands import app
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("cyclopts", "rich"):
            raise
        raise InputError(
            "extra_missing",
            f"the command line needs {missing.name}",
            remedy="Install it: pip install crossmargin[cli]",
        ) from None
    try:
        command, bound, _ = app.parse_args(arguments, print_error=False, exit_on_error=False)
    except CycloptsError as error:
        text = " ".join(str(error).split())
        raise InputError(
            "option_unknown",
            "the command cannot be read: " + text.rstrip("."),
            remedy="See crossmargin --help.",
        ) from None
    status = command(*bound.args, **bound.kwargs)
    sys.stdout.flush()
    return int(status or 0)
