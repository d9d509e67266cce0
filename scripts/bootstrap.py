"""Set-up for a fresh checkout, standard library only: make the environment once, then become the asked-for command.

`scripts/serve`, `scripts/test` and the other stubs call this through `bootstrap.sh`. The environment is `.venv` in the
checkout, or a folder in the user's cache when the checkout cannot be written (FUNDLEDGER_VENV names another one). It
is filled from the lock file with hashes, so what runs is exactly what was resolved; the project itself is linked by a
path file, because building it would need a build tool from the network. A stamp keyed by the locks makes the second
start quick, and a file lock lets two commands be started at once in a fresh clone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
RUN_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
)
LINT_IMPORTS = ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-logo")


def main(arguments: list[str]) -> int:
    """Run ``serve``, ``run``, ``test``, ``lint``, ``format`` or ``openapi``; everything after the verb is passed on."""
    verb, rest = arguments[0], arguments[1:]
    if verb in ("serve", "run"):
        python = environment(dev=False)
        os.environ.setdefault("FUNDLEDGER_DATA_DIR", str(home_for("data", ROOT / ".fundledger-data")))
        become(python, "-m", "fundledger", *(["serve"] if verb == "serve" else []), *rest)
    python = environment(dev=True)
    os.chdir(ROOT)
    if verb == "format":
        return 1 if run(python, "-m", "ruff", "check", "--fix", ".") | run(python, "-m", "ruff", "format", ".") else 0
    if verb == "lint":
        return lint(python)
    if verb == "openapi":
        return run(python, "-m", "fundledger.api.committed")
    if verb == "test":
        # The checks first: they take seconds. All of them run, so that one go shows everything that is wrong.
        failed = 0 if rest else lint(python)
        # The whole suite on every core, each worker with a server of its own; a few named tests in one process.
        workers = [] if rest else ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "worksteal"]
        return run(python, "-m", "pytest", *soak(), *workers, *rest) or failed
    raise SetupError(f"unknown verb: {verb}")


def lint(python: Path) -> int:
    """Run every static check and say at the end whether one failed."""
    results = [run(python, "-m", *check) for check in CHECKS]
    return 1 if any([*results, run(python, *LINT_IMPORTS)]) else 0


def soak() -> list[str]:
    """With FUNDLEDGER_SOAK=1 the long runs are not left out (a later -m wins over the one in pyproject.toml)."""
    return ["-m", "soak or not soak"] if os.environ.get("FUNDLEDGER_SOAK") == "1" else []


def environment(*, dev: bool) -> Path:
    """The interpreter of an environment that holds what the lock says; made or mended first when needed."""
    folder = venv_folder()
    python = folder / "bin" / "python"
    if current(folder, dev=dev):
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(folder.with_name(folder.name + ".lock")):
        if not current(folder, dev=dev):
            build(folder, python, dev=dev)
    return python


def build(folder: Path, python: Path, *, dev: bool) -> None:
    """Make the environment if it is missing or broken, install the lock into it, link the sources, stamp it."""
    if not works(python) or not made_for_this_checkout(folder):
        say(f"making the environment {folder} with Python {sys.version.split()[0]}")
        shutil.rmtree(folder, ignore_errors=True)
        create(folder)
    lock = DEV_LOCK if dev else RUN_LOCK
    say(f"installing what {lock.name} names (only the first time, and when it changes)")
    command = [*pip(python), "install", "-qq", "--disable-pip-version-check", "--no-input", "--require-hashes"]
    if run_command([*command, "--no-deps", "--only-binary", ":all:", "--requirement", str(lock)]):
        raise SetupError(
            "pip could not install the locked packages; its message is above. Is a package index reachable?"
        )
    link_sources(folder, python)
    stamp(folder, dev=dev).write_text(key(dev=dev), encoding="utf-8")


def create(folder: Path) -> None:
    """Make an empty environment, with pip inside where this Python can do that (Debian may lack ensurepip)."""
    try:
        venv.create(folder, with_pip=True, symlinks=True)
    except (subprocess.CalledProcessError, ImportError, SystemExit):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=False, symlinks=True)


def pip(python: Path) -> list[str]:
    """How to call pip for the environment: its own, or else the one of the Python that runs this."""
    if quiet([str(python), "-m", "pip", "--version"]):
        return [str(python), "-m", "pip"]
    if quiet([sys.executable, "-m", "pip", "--version"]):
        return [sys.executable, "-m", "pip", "--python", str(python)]
    raise SetupError(
        "this Python has neither ensurepip nor pip; install them (Debian, Ubuntu: apt install python3-venv)"
    )


def link_sources(folder: Path, python: Path) -> None:
    """Put `src` on the environment's path and leave a `fundledger` command in its bin."""
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    (Path(site) / "fundledger.pth").write_text(f"{ROOT / 'src'}\n", encoding="utf-8")
    launcher = folder / "bin" / "fundledger"
    launcher.write_text('#!/bin/sh\nexec "$(dirname -- "$0")/python" -m fundledger "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)


def venv_folder() -> Path:
    """Where the environment is, or will be."""
    named = os.environ.get("FUNDLEDGER_VENV")
    return Path(named).absolute() if named else home_for("cache", ROOT / ".venv")


def home_for(kind: str, preferred: Path) -> Path:
    """``preferred`` in the checkout if this user can use it, else a folder of this user's own for this checkout.

    So an ordinary user can run a checkout that belongs to somebody else.
    """
    if os.access(preferred if preferred.exists() else preferred.parent, os.W_OK):
        return preferred
    if kind == "cache" and works(preferred / "bin" / "python") and made_for_this_checkout(preferred):
        return preferred
    base = {"cache": ("XDG_CACHE_HOME", ".cache"), "data": ("XDG_DATA_HOME", ".local/share")}[kind]
    home = Path(os.environ.get(base[0]) or Path.home() / base[1])
    return home / "fundledger" / f"{kind}-{hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:12]}"


def current(folder: Path, *, dev: bool) -> bool:
    """Whether the environment was filled from these very locks and its interpreter still runs.

    A development environment holds all that serving needs: the second lock is resolved with the first as constraint.
    """
    stamps = [dev] if dev else [False, True]
    return any(read(stamp(folder, dev=which)) == key(dev=which) for which in stamps) and works(folder / "bin/python")


def key(*, dev: bool) -> str:
    """What the environment depends on: the locks, the project file, this script and where the checkout is."""
    digest = hashlib.sha256(os.fsencode(ROOT))
    for path in (RUN_LOCK, *([DEV_LOCK] if dev else []), ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def stamp(folder: Path, *, dev: bool) -> Path:
    """The file that says what the environment was filled from."""
    return folder / ("fundledger-dev.stamp" if dev else "fundledger-run.stamp")


def made_for_this_checkout(folder: Path) -> bool:
    """False for an environment that was moved with its checkout: the scripts in it name the old place."""
    links = [read(path).strip() for path in folder.glob("lib/python3*/site-packages/fundledger.pth")]
    return links == [str(ROOT / "src")]


def works(python: Path) -> bool:
    """Whether an interpreter starts for this user; one under another user's home may not."""
    return quiet([str(python), "-c", ""])


def read(path: Path) -> str:
    """A small file's text, or nothing when it is not there or not ours to read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a file lock; a second set-up of the same checkout waits here and then finds the work done."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def quiet(command: list[str]) -> bool:
    """Run a command for its verdict only."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(python: Path, *arguments: str) -> int:
    """Run one check with the environment's Python, naming it first."""
    say(" ".join(word for word in arguments if word not in ("-m", "-c")).split("; ")[0])
    return run_command([str(python), *arguments])


def run_command(command: list[str]) -> int:
    """Run a command in the foreground."""
    return subprocess.run(command, check=False).returncode


def become(python: Path, *arguments: str) -> NoReturn:
    """Replace this process, so that signals sent to the script reach the service itself."""
    sys.stdout.flush()
    os.execv(python, [str(python), *arguments])  # noqa: S606


def say(text: str) -> None:
    """Tell the person what is going on; on stderr, so that a command's own output stays clean."""
    print(f"-- {text}", file=sys.stderr, flush=True)


class SetupError(SystemExit):
    """Stops with a sentence instead of a traceback; Python prints the sentence and exits with 1."""

    def __init__(self, text: str) -> None:
        super().__init__(f"-- {text}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
