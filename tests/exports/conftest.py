"""The story's year, told once for every test of this folder that reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fundledger.db.connection import Connection
from tests import databases
from tests.databases import TestServer
from tests.exports.story import Story, district_year


@pytest.fixture(scope="session")
async def story(server: TestServer, template_db: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """The district year, told and sealed. Only to be read."""
    async with district_year(server, template_db, tmp_path_factory.mktemp("story")) as told:
        yield told


@pytest.fixture
async def auditor(story: Story) -> AsyncIterator[Connection]:
    """A connection to the story's database as the reader's role."""
    async with databases.connected(story.db.reader_url) as connection:
        yield connection
