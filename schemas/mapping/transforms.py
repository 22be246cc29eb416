"""The steps that a field rule can take: `TRANSFORMS`, by name, as an editor shows them and a mapping runs them."""

from __future__ import annotations

from schemas.mapping.step import TransformInfo
from schemas.mapping.steps_text import TEXT_STEPS
from schemas.mapping.steps_time import TIME_STEPS
from schemas.mapping.steps_value import VALUE_STEPS

__all__ = ["TRANSFORMS", "TransformInfo"]

TRANSFORMS: dict[str, TransformInfo] = {**VALUE_STEPS, **TEXT_STEPS, **TIME_STEPS}
