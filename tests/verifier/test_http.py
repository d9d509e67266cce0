"""Bundles over HTTP: what comes is what the verifier takes; districts get their own book only, and every one is kept."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import httpx
import pytest

from fundledger.sealing.keys import KeyFile
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import Signer
from fundledger.verifier.container import Container
from fundledger.verifier.manifest import Manifest
from fundledger.verifier.run import verify_bundle
from fundledger.verifier.trust import Trust, read_manifest
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, World
from tests.databases import Database, connected
from tests.verifier.story import honest_year
from tests.web import running_api

BUNDLE = f"/v1/books/{DISTRICT}/bundle"


async def sealed(db: Database, folder: Path) -> KeyFile:
    """Everything appended and signed with the service's keys."""
    keys = KeyFile(folder / "log-keys.json")
    async with connected(db.service_url) as connection:
        await Sequencer(connection, signer=Signer(keys)).seal_all()
    return keys


def verdict(answer: httpx.Response, keys: KeyFile, path: Path) -> tuple[int, Manifest]:
    """Exit code and manifest of the bundle in an answer."""
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    with Container(path) as container:
        manifest = read_manifest(container)[0]
    return verify_bundle(path, Trust(keys.ring.verifiers(), [], [])).exit_code, manifest


async def test_bundles_are_taken_and_verified(world: World, db: Database, tmp_path: Path) -> None:
    made = await honest_year(world)
    async with running_api(db, world, tmp_path) as api:
        keys = await sealed(db, tmp_path)
        whole = await api.get("auditor", "/v1/bundle")
        code, manifest = verdict(whole, keys, tmp_path / "whole.zip")
        assert (code, manifest.scope.kind, whole.headers["content-type"]) == (0, "all", "application/zip")
        assert int(whole.headers["as-of-position"]) == manifest.size - 1
        own = await api.get("district-maker", BUNDLE, kind="project", ref=str(made["project"]))
        assert verdict(own, keys, tmp_path / "own.zip")[0] == 0
        payee = await payee_of(world)
        trail = await api.get("auditor", BUNDLE, kind="household", ref=str(payee))
        code, part = verdict(trail, keys, tmp_path / "trail.zip")
        assert (code, part.scope.kind, part.scope.ref) == (0, "household", str(payee))
        taken = await world.service.fetch("SELECT format, scope, position FROM export_record ORDER BY taken_at")
        assert [row["format"] for row in taken] == ["bundle"] * 3
        assert {row["position"] for row in taken} == {manifest.size - 1}


async def test_a_bundle_is_for_those_who_may_see_the_book(world: World, db: Database, tmp_path: Path) -> None:
    await honest_year(world)
    async with running_api(db, world, tmp_path) as api:
        await sealed(db, tmp_path)
        for person, path, asked, status in (
            ("district-maker", "/v1/bundle", {}, 403),
            ("city-maker", "/v1/bundle", {}, 403),
            ("other-maker", BUNDLE, {}, 403),
            ("district-maker", f"/v1/books/{CITY}/bundle", {}, 403),
            ("district-maker", f"/v1/books/{OTHER_DISTRICT}/bundle", {}, 403),
            ("auditor", BUNDLE, {"kind": "project", "ref": "nothing"}, 404),
            ("auditor", BUNDLE, {"kind": "all"}, 422),
            ("auditor", BUNDLE, {"kind": "project"}, 422),
            ("auditor", BUNDLE, {"kind": "book", "openings": "true"}, 403),
        ):
            answer = await api.get(person, path, **asked)
            assert answer.status_code == status, (path, asked, answer.text)


async def test_nothing_signed_is_said(world: World, db: Database, tmp_path: Path) -> None:
    async with running_api(db, world, tmp_path) as api:
        answer = await api.get("auditor", "/v1/bundle")
        assert answer.json()["code"] == "bundle-without-checkpoint"


async def payee_of(world: World) -> UUID:
    """A household that was paid."""
    found = await world.service.fetchval(
        "SELECT coalesce(p.household_id, p.payee_id) FROM payment_line p JOIN household h ON h.household_id = p.household_id LIMIT 1"
    )
    if found is None:
        pytest.fail("the story pays no household")
    return UUID(str(found))
