"""The one table of names that weights of earlier versions use. No family has been renamed so far."""

import dataclasses
from collections.abc import Mapping
from typing import Any

RECIPES: Mapping[str, str] = {"rate-net-fashion": "rate-net-fashion-2020", "drn-fashion": "drn-fashion-2020"}
"""Recipes by old name, for displaying headers."""
FIELDS: Mapping[str, str] = {"n_down": "downsamplings"}
"""Config fields by old name."""
NESTED: Mapping[str, tuple[str, ...]] = {
    "framing": ("size", "margin", "fit", "aspect", "sides"),
    "maps": ("sigma", "radius", "coordinates", "skeleton"),
}
"""Config fields that were merged into one value, by its name."""


def renewed(about: Mapping[str, Any], config_type: type) -> dict[str, Any]:
    """A weights file's header in today's names; current headers are unchanged.

    config_type: config of the family that the header names.
    """
    config = about["config"]
    fields = {field.name for field in dataclasses.fields(config_type)}
    old = isinstance(config, dict) and "framing" in fields - set(config) and "size" in config
    if not old:
        return dict(about)
    config = {FIELDS.get(name, name): value for name, value in config.items()}
    whole_framing = about["framing"] if isinstance(about["framing"], dict) else {}
    for name, parts in NESTED.items():
        if name in fields:
            own = {part: config.pop(part) for part in parts if part in config}
            config[name] = {**whole_framing, **own} if name == "framing" else own
    return {**about, "config": config}
