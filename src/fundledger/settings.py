"""What the surroundings decide: environment variables (prefix ``FUNDLEDGER_``) become one `Settings` value.

Read once by the edges (the CLI, the tests) and handed down as an argument; nothing below asks the environment by
itself. With no ``FUNDLEDGER_DATABASE_URL`` an embedded PostgreSQL is started in the data folder; with one, that server
is used and migrations need the owner's URL beside it. The embedded mode is the default, so every value has a default.

The data folder holds the embedded database, its passwords and the keys. It is ``.fundledger-data`` in the current
directory; `scripts/serve` names the one in its checkout, so that it does not matter where the script is called from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
MIB = 1024 * 1024


class Settings(BaseSettings):
    """The service's settings. A wrong value stops the start with a message that names the variable."""

    model_config = SettingsConfigDict(
        env_prefix="FUNDLEDGER_", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Port = Field(default=8000, description="port to listen on; 0 takes a free one")
    data_dir: Path = Field(default=Path(".fundledger-data"), description="embedded database, passwords and keys")
    key_file: Path | None = Field(default=None, description="hash and encryption keys; default: keys.json in data_dir")
    log_key_file: Path | None = Field(default=None, description="the log's signing keys; default: log-keys.json")
    witness_keys: Path | None = Field(default=None, description="verifier keys of trusted witnesses, one a line")
    database_url: SecretStr | None = Field(default=None, description="the service role's postgresql:// URL")
    owner_database_url: SecretStr | None = Field(default=None, description="the owner role's URL, for migrations")
    reader_database_url: SecretStr | None = Field(default=None, description="the reader role's URL, for auditors")
    pg_bin: Path | None = Field(default=None, description="bin folder of the PostgreSQL to embed, not the wheel's")
    max_body_bytes: Annotated[int, Field(gt=0)] = Field(default=64 * MIB, description="largest request body")
    pool_size: Annotated[int, Field(gt=0, le=500)] = Field(default=10, description="database connections kept open")
    export_days: Annotated[int, Field(gt=0)] = Field(default=30, description="days that export jobs' files are kept")
    demo: bool = Field(default=True, description="load the demonstration year into an empty embedded database")

    @property
    def embedded(self) -> bool:
        """Whether the service brings its own PostgreSQL."""
        return self.database_url is None

    @property
    def keys_path(self) -> Path:
        """Where the keys are: outside the database, so that a copy of the database does not contain them."""
        return self.key_file if self.key_file is not None else self.data_dir / "keys.json"

    @property
    def log_keys_path(self) -> Path:
        """Where the keys are that sign checkpoints and receipts; ``log-head`` stands beside them."""
        return self.log_key_file if self.log_key_file is not None else self.data_dir / "log-keys.json"

    @property
    def exports_path(self) -> Path:
        """Where the files of export jobs are."""
        return self.data_dir / "exports"

    @model_validator(mode="after")
    def _urls_belong_together(self) -> Self:
        """Refuse half of an external database: an owner's URL alone would silently start an embedded one."""
        others = (self.owner_database_url, self.reader_database_url)
        if self.database_url is None and any(url is not None for url in others):
            raise ValueError("FUNDLEDGER_DATABASE_URL is missing beside the owner's or the reader's URL")
        for url in (self.database_url, *others):
            if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
                raise ValueError("a database URL must start with postgresql:// (PostgreSQL is the only database)")
        return self
