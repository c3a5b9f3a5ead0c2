"""Models whose tables no longer exist. Using one raises an error that names the new call."""

from __future__ import annotations

from typing import Any

from .errors import NotSupported

__all__ = ["DattoSiteLink", "FeatureCategoryConfig", "PlanFeature", "RMMSiteLink"]


class Gone:
    """A model whose table no longer exists."""

    instead = ""

    def __init_subclass__(cls, instead: str) -> None:
        cls.instead = instead

    def __init__(self, **values: Any) -> None:
        raise NotSupported(f"{type(self).__name__} is not there any more: {self.instead}")

    class _Query:
        def __get__(self, instance: object, owner: type[Gone]) -> Any:
            raise NotSupported(f"{owner.__name__} is not there any more: {owner.instead}")

    query = _Query()


class DattoSiteLink(Gone, instead="`asset.datto_site_name` names the site of an asset"):
    """A site of the RMM."""


class RMMSiteLink(Gone, instead="`asset.rmm_site_name` names the site of an asset"):
    """A site of the RMM."""


class PlanFeature(Gone, instead="`codex.billing_plans.get(id)` has the features of a plan as attributes"):
    """A feature of a billing plan."""


class FeatureCategoryConfig(Gone, instead="`codex.feature_options.list()` has `display_name`"):
    """The labels of a kind of feature."""
