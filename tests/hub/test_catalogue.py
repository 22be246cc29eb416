"""The catalogue: drafts, publication, withdrawal; what was published never changes."""

from __future__ import annotations

from sqlalchemy import Engine

from hub.catalogue.published import item_version, published_item, published_items
from tests.hub.catalogue_builders import FOOD, publish_sample_catalogue


def test_sample_catalogue_is_published(county: Engine) -> None:
    """The sample stands: an item's version names its materials with their types' versions and fields."""
    with county.begin() as tx:
        ids = publish_sample_catalogue(tx)
    with county.begin() as tx:
        found = published_item(tx, FOOD)
        assert found.version_id == ids[FOOD]
        assert [one.code for one in found.requirements] == [f"M0{n}" for n in range(1, 8)]
        assert found.requirements[0].type_version == 1
        assert found.requirements[0].fields[0].name == "credit_code"
        assert found.requirements[1].consent_required
        assert item_version(tx, ids[FOOD]) is found
        assert [one.code for one in published_items(tx)] == ["XK-001", "XK-003", "XK-012"]
