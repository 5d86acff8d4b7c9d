"""All checks in their order."""

from collections.abc import Sequence

from westsea.doctor import machine, services
from westsea.doctor.check import Check, guarded
from westsea.doctor.output import output
from westsea_catalog.profiles import Profile


def examine(
    *,
    out: str | None = None,
    catalogs: Sequence[Profile] = (),
    coast: str | None = None,
    scheduler: str | None = None,
    offline: bool = False,
) -> list[Check]:
    """Look at everything that a sweep with these settings needs.

    Parameters
    ----------
    out
        Folder of results to try; None for none.
    catalogs
        Catalogues to ask.
    coast
        File of land polygons; None for the coast that ships.
    scheduler
        Address of a scheduler; None for none.
    offline
        Whether catalogues are left alone.
    """
    found = guarded("versions", machine.versions)
    found += guarded("gdal", machine.gdal)
    found += guarded("clock", machine.clock)
    found += guarded("disk", machine.disk)
    found += guarded("coast", lambda: machine.coast(coast))
    if not offline:
        found += guarded("proxy", machine.proxy)
    for profile in catalogs:
        name = f"catalogue {profile.name}"
        found += guarded(name, lambda p=profile: services.catalogue(p, offline=offline))  # type: ignore[misc]
    if scheduler is not None:
        found += guarded("scheduler", lambda: services.scheduler(scheduler))
    if out is not None:
        found += guarded("output", lambda: output(out))
    return found
