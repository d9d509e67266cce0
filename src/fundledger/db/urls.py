"""Database URLs: one spelling for asyncpg and libpq, one for SQLAlchemy, and replacing parts of them.

A plain URL (``postgresql://user:password@host:port/name``) is what settings, tests and people use.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit, urlunsplit


def make_url(host: str, port: int, *, user: str, password: str, database: str) -> str:
    """Build a plain URL; ``host`` may be the folder of a unix socket."""
    who = f"{quote(user, safe='')}:{quote(password, safe='')}"
    if host.startswith("/"):
        return f"postgresql://{who}@/{quote(database, safe='')}?{urlencode({'host': host, 'port': port})}"
    return f"postgresql://{who}@{host}:{port}/{quote(database, safe='')}"


def sqlalchemy_url(url: str) -> str:
    """The same URL for ``create_async_engine``: the driver is named in its scheme."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("postgresql", "postgres", "postgresql+asyncpg"):
        raise ValueError("a database URL must start with postgresql://")
    return f"postgresql+asyncpg://{rest}"


def with_database(url: str, name: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name, safe='')}"))


def with_login(url: str, user: str, password: str) -> str:
    """The same server and database, another role."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{place}"))
