"""Finds ships that lie side by side at sea in free Sentinel imagery.

>>> import westsea
>>> items = westsea.search("earth-search", aoi="west-sea", last="P3D")
>>> plan = westsea.plan(items, catalog="earth-search", aoi="west-sea")
>>> westsea.sweep(plan, "out").pairs()
"""

from typing import TYPE_CHECKING, Any

from westsea.compiled import keep_compiled

if TYPE_CHECKING:
    from westsea.api import cube, plan, search, sweep
    from westsea.detector import Detector
    from westsea.over_time import link, persist
    from westsea.planning import Plan
    from westsea.results import Sweep
    from westsea.runner import Limits

__all__ = [
    "Detector",
    "Limits",
    "Plan",
    "Sweep",
    "cube",
    "link",
    "persist",
    "plan",
    "search",
    "sweep",
]

keep_compiled()

_HOMES = {
    "Detector": "detector",
    "Limits": "runner",
    "Plan": "planning",
    "Sweep": "results",
    "link": "over_time",
    "persist": "over_time",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used: dask and numba take a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"westsea.{_HOMES.get(name, 'api')}"), name)


def __dir__() -> list[str]:
    """Also the names that are not imported yet, so that they are completed."""
    return sorted({*globals(), *__all__})
