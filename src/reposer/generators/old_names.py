"""What weights of earlier versions call things: the one table of old names. No family has been renamed so far."""

import dataclasses
from collections.abc import Mapping
from typing import Any

RECIPES: Mapping[str, str] = {"rate-net-fashion": "rate-net-fashion-2020", "drn-fashion": "drn-fashion-2020"}
"""Of recipes, for those who show what a header says."""
FIELDS: Mapping[str, str] = {"n_down": "downsamplings"}
"""Of a config's fields."""
NESTED: Mapping[str, tuple[str, ...]] = {
    "framing": ("size", "margin", "fit", "aspect", "sides"),
    "maps": ("sigma", "radius", "coordinates", "skeleton"),
}
"""Fields of a config that are one value now, by its name."""


def renewed(about: Mapping[str, Any], config_type: type) -> dict[str, Any]:
    """A weights file's header as it would be written today; what is not of an earlier version stays as it is.

    config_type: of the family that the header names.
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
