"""OCDS packages are valid by OCDS's own JSON Schema, and say what the book says."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.exports.ocds_package import OCDS
from fundledger.projects.ocds import as_json, release_of
from fundledger.trail.starts import Subject
from tests.builders import DISTRICT, World
from tests.exports.story import Story, files, of, whole
from tests.stories.district_year.households import HEADS

SCHEMAS = {
    schema["id"]: schema
    for schema in (json.loads(path.read_text(encoding="utf-8")) for path in Path(__file__).parent.glob("ocds/*.json"))
}
PACKAGE = "https://standard.open-contracting.org/schema/1__1__5/release-package-schema.json"
RELEASE = "https://standard.open-contracting.org/schema/1__1__5/release-schema.json"
REGISTRY: Any = Registry().with_resources(
    (uri, Resource.from_contents(schema, default_specification=DRAFT4)) for uri, schema in SCHEMAS.items()
)


def faults(value: Any, schema: str = PACKAGE) -> list[str]:
    """What the schema says against a value; dates and amounts too, which it leaves to checks of formats."""
    return [
        f"{error.json_path}: {error.message}"
        for error in Draft4Validator(SCHEMAS[schema], registry=REGISTRY).iter_errors(value)
    ]


def packages(data: dict[str, bytes]) -> dict[str, Any]:
    """The packages of an export, each valid."""
    found = {name: json.loads(text) for name, text in data.items()}
    for package in found.values():
        assert faults(package) == []
        assert package["version"] == "1.1"
        datetime.fromisoformat(package["publishedDate"])
        ids = [release["id"] for release in package["releases"]]
        assert len(set(ids)) == len(ids)
        for release in package["releases"]:
            assert datetime.fromisoformat(release["date"]) <= datetime.fromisoformat(package["publishedDate"])
            named = {party["id"] for party in release["parties"]}
            assert {one["id"] for award in release.get("awards", []) for one in award["suppliers"]} <= named
            assert {one["id"] for one in release["tender"]["tenderers"]} <= named
    return found


def test_the_schema_is_the_published_one_and_refuses() -> None:
    assert set(SCHEMAS) == {PACKAGE, RELEASE}
    assert faults({"releases": []}) != []
    assert faults(
        {"ocid": "x", "id": "1", "date": "2019-01-01T00:00:00Z", "tag": ["nonsense"], "initiationType": "tender"},
        RELEASE,
    )


async def test_every_procurement_of_the_year_is_a_valid_release(auditor: Connection) -> None:
    (package,) = packages(await files(auditor, OCDS, await whole(auditor))).values()
    expected = await auditor.fetch("SELECT DISTINCT procurement_id FROM procurement WHERE book = $1", DISTRICT)
    assert {release["ocid"].rpartition(f"-{DISTRICT}-")[2] for release in package["releases"]} == {
        str(row["procurement_id"]) for row in expected
    }
    contract = next(release for release in package["releases"] if "contracts" in release)
    assert contract["contracts"][0]["amendments"]
    procurement = contract["tender"]["id"]
    assert contract["contracts"][0]["value"]["amount"] == float(
        await auditor.fetchval("SELECT contract_sum($1, $2)::numeric / 100", DISTRICT, procurement)
    )
    assert json.loads(as_json(await release_of(auditor, DISTRICT, procurement))) == contract


async def test_the_route_answers_the_same_release(auditor: Connection, story: Story) -> None:
    (package,) = packages(await files(auditor, OCDS, await whole(auditor))).values()
    for release in package["releases"]:
        assert await story.year.ask("auditor", f"procurements/{release['tender']['id']}/ocds") == release


async def test_an_earlier_position_shows_earlier_stages_and_never_an_invalid_release(auditor: Connection) -> None:
    head = (await whole(auditor)).position
    tags = set()
    for position in range(head // 4, head, max(head // 40, 1)):
        scope = await whole(auditor, position)
        for package in packages(await files(auditor, OCDS, scope)).values():
            tags |= {(release["ocid"], *release["tag"]) for release in package["releases"]}
        assert await files(auditor, OCDS, scope) == await files(auditor, OCDS, scope)
    road = [tag for _, tag in tags if tag != "tender"]
    assert {"award", "contract"} & set(road)
    with pytest.raises(FundledgerError, match="export-empty"):
        await files(auditor, OCDS, await whole(auditor, -1))


async def test_a_subject_brings_its_own_procurements_only(auditor: Connection) -> None:
    rows = await auditor.fetch(
        "SELECT DISTINCT ON (procurement_id) * FROM procurement ORDER BY procurement_id, version DESC"
    )
    won = next(row for row in rows if row["awardee_id"] is not None)
    for subject in (Subject("project", won["project_id"]), Subject("organisation", won["awardee_id"])):
        (package,) = packages(await files(auditor, OCDS, await of(auditor, subject))).values()
        assert str(won["procurement_id"]) in {release["tender"]["id"] for release in package["releases"]}
        assert len(package["releases"]) < len(rows)


async def test_packages_hold_nothing_of_households(auditor: Connection) -> None:
    text = b"".join((await files(auditor, OCDS, await whole(auditor))).values()).decode()
    assert not any(part in text for head in HEADS for part in head)


async def test_every_stage_of_a_procurement_is_valid(world: World) -> None:
    project = await world.project(exemption=None, programme="rural_works", category="infrastructure", estimate=5_000)
    awardee = await world.supplier()
    procurement = await world.tender(project, awardee, 5_000)
    await world.project()
    ids = await world.service.fetch("SELECT DISTINCT procurement_id FROM procurement")
    assert len(ids) == 2
    for row in ids:
        release = json.loads(as_json(await release_of(world.service, DISTRICT, row["procurement_id"])))
        assert faults(release, RELEASE) == []
        assert release["tag"] == (["contract"] if row["procurement_id"] == procurement else ["tender"])
