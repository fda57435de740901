"""Set up an environment of the project: ``python3 scripts/environment.py {run,dev,bench,peers}``.

Needs nothing but the standard library. The packages come from ``requirements/NAME.txt``, each by
its hash; then the project itself is installed without asking the index for anything. A second call
with nothing changed does nothing: a stamp in the environment holds the hashes of what is there.

It must parse on interpreters older than the project accepts, because it is what tells so.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
# The demonstration runs the project as a user gets it, from a wheel; the others run the work tree.
EDITABLE = {"run": False, "dev": True, "bench": True, "peers": True}
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "-qq")
VIRTUALENV = (sys.executable, "-m", "virtualenv", "-q", "--no-periodic-update")


class SetupError(Exception):
    """What the user has to do before the environment can be made."""


def say(name, text):
    """Print one progress line."""
    print("[{}] {}".format(name, text), flush=True)


def call(*command, **environment):
    """Run a command; its output is shown, and a failure is raised."""
    # A PYTHONPATH of the caller would let packages from outside pass for installed ones.
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    variables.update(environment)
    subprocess.run([str(part) for part in command], check=True, cwd=str(ROOT), env=variables)


def check_version(version):
    """Refuse an interpreter that is too old."""
    if tuple(version[:2]) < OLDEST:
        raise SetupError(
            "python3 is {}.{}, crossmargin needs {}.{} or newer: install one and name it, "
            "as in `make PYTHON=python3.12 test`".format(version[0], version[1], *OLDEST)
        )


def available(module):
    """Say whether the bare interpreter has a module."""
    found = importlib.util.find_spec(module)
    return found is not None and found.origin is not None  # an empty folder is not a module


def ways(has):
    """Name the ways to make an environment that this interpreter offers, best first."""
    found = []
    if has("venv") and has("ensurepip"):
        found.append("venv")
    if has("venv") and has("pip"):
        found.append("venv+pip")
    if has("virtualenv"):
        found.append("virtualenv")
    if has("pip"):
        found.append("pip")
    if not found:
        raise SetupError(
            "this python3 has neither ensurepip nor pip, so no environment can be made: "
            "install the package python3-venv (apt-get install python3-venv) and run make again"
        )
    return found


def create(way, folder):
    """Make the environment, with pip in it, in one of the `ways`."""
    shutil.rmtree(str(folder), ignore_errors=True)
    redirect = folder.with_name(".venv")
    had_redirect = redirect.exists()
    bootstrap = ("--require-hashes", "-r", REQUIREMENTS / "bootstrap.txt")
    if way == "venv":
        call(sys.executable, "-m", "venv", folder)
    elif way == "venv+pip":
        call(sys.executable, "-m", "venv", "--without-pip", folder)
        library = "python{}.{}".format(*sys.version_info[:2])
        target = folder / "lib" / library / "site-packages"
        call(sys.executable, *PIP, "install", "--target", target, *bootstrap)
    elif way == "virtualenv":
        call(*VIRTUALENV, folder)
    else:
        tools = folder.with_name(folder.name + "-bootstrap")
        call(sys.executable, *PIP, "install", "--target", tools, *bootstrap)
        call(*VIRTUALENV, folder, PYTHONPATH=str(tools))
        shutil.rmtree(str(tools))
    if not had_redirect and redirect.is_file():
        redirect.unlink()  # newer virtualenv points .venv at what it made; that is the user's


def create_first_possible(name, folder):
    """Try the ways in turn: some systems ship a venv module that cannot finish its work."""
    candidates = ways(available)
    for way in candidates:
        say(name, "making {} with {} ({})".format(folder.name, sys.version.split()[0], way))
        try:
            create(way, folder)
            return
        except subprocess.CalledProcessError:
            if way == candidates[-1]:
                raise


def digest(paths):
    """Hash the names and the content of files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(str(path.relative_to(ROOT)).encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def project_files(editable):
    """List the files whose change asks for a new installation of the project itself."""
    files = [ROOT / "pyproject.toml", ROOT / "README.md"]
    if not editable:
        tree = (ROOT / "src").rglob("*")
        files += [path for path in tree if path.is_file() and "__pycache__" not in path.parts]
    return files


def read_stamp(path):
    """Read what the last complete set-up installed."""
    lines = path.read_text().split("\n") if path.is_file() else []
    return dict(line.split(" ", 1) for line in lines if " " in line)


def source_lock(name):
    """Name the lock of what has no wheel; most environments have none."""
    return REQUIREMENTS / (name + "-source.txt")


def install_locked(name, python):
    """Bring the environment to the locked packages."""
    lock = REQUIREMENTS / (name + ".txt")
    count = sum("==" in line for line in lock.read_text().splitlines())
    say(name, "installing {} locked packages (a minute or so)".format(count))
    call(python, *PIP, "install", "--require-hashes", "--no-deps", "-r", lock)
    source = source_lock(name)
    if source.is_file():
        # Built by the tools that the lock has just installed: nothing unhashed is fetched.
        options = ("--require-hashes", "--no-deps", "--no-build-isolation")
        try:
            call(python, *PIP, "install", *options, "-r", source)
        except subprocess.CalledProcessError:
            say(name, "{} cannot be built here and is left out".format(source.name))


def install_project(name, python):
    """Install the project itself with the build tool of the lock; nothing is fetched."""
    say(name, "installing crossmargin")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--force-reinstall")
    editable = ("--editable",) if EDITABLE[name] else ()
    call(python, *PIP, "install", *options, *editable, ".")
    call(python, "-m", "pip", "-qq", "check")


def set_up(name):
    """Make or refresh the environment; do nothing where it is up to date."""
    check_version(sys.version_info)
    folder = ROOT / (".venv-" + name)
    python = folder / "bin" / "python"
    stamp = folder / "stamp"
    wanted = {
        "python": sys.version.split()[0],
        "packages": digest(
            [path for path in (REQUIREMENTS / (name + ".txt"), source_lock(name)) if path.is_file()]
        ),
        "project": digest(project_files(EDITABLE[name])),
    }
    done = read_stamp(stamp) if python.exists() else {}
    if done == wanted:
        return
    started = time.monotonic()
    if done.get("python") != wanted["python"]:
        create_first_possible(name, folder)
        done = {}
    # An interrupted set-up leaves no stamp, so the next call starts it afresh.
    stamp.unlink(missing_ok=True)
    if done.get("packages") != wanted["packages"]:
        install_locked(name, python)
    install_project(name, python)
    stamp.write_text("".join("{} {}\n".format(key, wanted[key]) for key in sorted(wanted)))
    say(name, "ready after {:.0f} s".format(time.monotonic() - started))


def main(arguments):
    """Run the command line; exit status 2 with one line where something is missing."""
    if len(arguments) != 1 or arguments[0] not in EDITABLE:
        print("usage: python3 scripts/environment.py {run,dev,bench,peers}", file=sys.stderr)
        return 2
    try:
        set_up(arguments[0])
    except SetupError as problem:
        print("crossmargin: {}".format(problem), file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as problem:
        text = "crossmargin: set-up failed (exit status {}): {}"
        print(text.format(problem.returncode, " ".join(problem.cmd)), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
