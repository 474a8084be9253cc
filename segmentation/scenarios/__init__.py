"""Predefined scenarios and personas: criteria documents with parameters; saving one makes an ordinary segment."""

from segmentation.scenarios.base import Parameter, Scenario, read_parameters
from segmentation.scenarios.personas import PERSONAS, THRESHOLDS
from segmentation.scenarios.usual import USUAL

SCENARIOS: dict[str, Scenario] = {one.slug: one for one in (*USUAL, *PERSONAS)}

__all__ = ["PERSONAS", "SCENARIOS", "THRESHOLDS", "USUAL", "Parameter", "Scenario", "read_parameters"]
