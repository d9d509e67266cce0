"""Which system user runs the embedded PostgreSQL, and making its files reachable for that user.

PostgreSQL refuses to run as root, and root's own folders are often closed to everybody else. So as root an
unprivileged account is taken, the binaries are copied to a cache when that account cannot get at them, and the data
goes to a place under ``/var/lib`` when the data folder cannot be reached. As an ordinary user none of this happens.
Called by `embedded`, and by benchmarks to clean up. No permission of a folder that is not ours is ever changed.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BINARIES_CACHE = Path("/var/cache/fundledger")
DATA_STORE = Path("/var/lib/fundledger")
CANDIDATES = ("fundledger", "postgres", "nobody")
"""Accounts tried as root, best first; PostgreSQL needs one with an entry in the password file."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that the server's processes run as; ``switch`` is false when it is the one running already."""

    uid: int
    gid: int
    switch: bool

    @property
    def popen(self) -> dict[str, object]:
        """The arguments that make `subprocess` start a program as this account, with none of root's groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def can(self, test: str, path: Path) -> bool:
        """Whether ``test -r``, ``-x`` and so on holds for this account; asked of the system, so ACLs count too."""
        command = ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]
        done = subprocess.run(command, check=False, cwd="/", **self.popen)  # type: ignore[call-overload]
        return bool(done.returncode == 0)

    def own(self, path: Path) -> None:
        """Give a file or folder of ours to the account."""
        if self.switch:
            os.chown(path, self.uid, self.gid)


def choose_account(pgdata: Path) -> Account:
    """The running user, or as root an unprivileged one: whoever owns the data already, else the first candidate."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if pgdata.exists() and (owner := pgdata.stat().st_uid) != 0:
        return _account(pwd.getpwuid(owner))
    for name in CANDIDATES:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise LookupError(f"PostgreSQL does not run as root and none of the users {', '.join(CANDIDATES)} exists")


def reachable_binaries(account: Account, bin_dir: Path) -> Path:
    """A bin folder the account can run: the given one, or a copy of the whole installation in a cache.

    A wheel's programs find their libraries relative to themselves, in a folder beside the package, so the copy keeps
    that arrangement. The copy is keyed by content and put in place with one rename: two starts cannot disturb it.
    """
    share = bin_dir.parent / "share"
    reachable = account.can("-x", bin_dir / "postgres") and (not share.exists() or account.can("-r", share))
    if reachable and all(account.can("-r", path) for path in _libraries(bin_dir)):
        return bin_dir
    digest = hashlib.sha256((bin_dir / "postgres").read_bytes()).hexdigest()[:16]
    place = _cache() / f"postgres-{digest}"
    result = place / bin_dir.parent.parent.name / bin_dir.parent.name / "bin"
    if not place.exists():
        _copy_installation(bin_dir, place)
    return result


def data_place(account: Account, data_dir: Path) -> Path:
    """The parent of ``pgdata``: the data folder, or, when the account cannot enter it, a folder of its own elsewhere.

    The link ``store`` in the data folder says which. It carries a random name, so that a data folder that is deleted
    and made again never meets the old database with new passwords.
    """
    link = data_dir / "store"
    if link.is_symlink():
        return link.resolve()
    if account.switch:
        data_dir.chmod(0o711)
    if account.can("-x", data_dir):
        return data_dir
    place = DATA_STORE / f"store-{secrets.token_hex(8)}"
    place.mkdir(parents=True, mode=0o711)
    DATA_STORE.chmod(0o711)
    place.chmod(0o711)
    link.symlink_to(place)
    return place


def discard(data_dir: Path) -> None:
    """Remove a data folder and the place its link names (tests and benchmarks)."""
    link = data_dir / "store"
    if link.is_symlink() and link.resolve().parent == DATA_STORE.resolve():
        shutil.rmtree(link.resolve(), ignore_errors=True)
    shutil.rmtree(data_dir, ignore_errors=True)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def _libraries(bin_dir: Path) -> Sequence[Path]:
    """The folders of shared libraries that a wheel keeps beside its package, with the files in them."""
    folders = bin_dir.parents[2].glob(f"{bin_dir.parents[1].name}.libs")
    return [path for folder in folders for path in (folder, *folder.iterdir())]


def _cache() -> Path:
    """The folder for copies, or a throw-away one where ``/var/cache`` cannot be written or is not root's own."""
    try:
        BINARIES_CACHE.mkdir(parents=True, exist_ok=True)
        BINARIES_CACHE.chmod(0o755)
        if BINARIES_CACHE.stat().st_uid == 0:
            return BINARIES_CACHE
    except OSError:
        pass
    place = Path(tempfile.mkdtemp(prefix="fundledger-"))
    place.chmod(0o755)
    return place


def _copy_installation(bin_dir: Path, place: Path) -> None:
    package = bin_dir.parents[1].name
    making = Path(tempfile.mkdtemp(prefix="making-", dir=place.parent))
    leave_out = shutil.ignore_patterns("include", "*.a", "pkgconfig", "__pycache__")
    shutil.copytree(bin_dir.parent, making / package / bin_dir.parent.name, ignore=leave_out, symlinks=True)
    for libraries in bin_dir.parents[2].glob(f"{package}.libs"):
        shutil.copytree(libraries, making / libraries.name, symlinks=True)
    for path in (making, *making.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    try:
        making.rename(place)
    except OSError:
        # Another start was quicker; its copy has the same content.
        shutil.rmtree(making, ignore_errors=True)
