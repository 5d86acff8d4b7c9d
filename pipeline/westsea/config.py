"""Settings from one TOML file; flags and WESTSEA_* variables come first."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from westsea.catalogs import CatalogTable, profiles_of
from westsea.detector import Detector
from westsea_catalog.errors import ConfigError
from westsea_catalog.profiles import Profile


class Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The file's contents; every key may be left out."""

    catalog: str | None = None
    aoi: str | None = None
    collections: tuple[str, ...] = ()
    offline: bool | None = None
    out: str | None = None
    coast: str | None = None
    scheduler: str | None = None
    workers: int | None = None
    scene_deadline: float | None = None
    attempts: int | None = None
    metrics: str | None = None
    log_format: str | None = None
    detector: Detector = Detector()
    catalogs: dict[str, CatalogTable] = {}
    """Catalogues of the user's own, by name."""

    def defaults(self) -> dict[str, Any]:
        """Defaults of the command line's options, by name."""
        tables = ("detector", "catalogs")
        names = [name for name in self.__struct_fields__ if name not in tables]
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value not in (None, ())}

    def profiles(self) -> dict[str, Profile]:
        """Those catalogues."""
        return profiles_of(self.catalogs)


def load(path: Path | None) -> Config:
    """Read a settings file; None gives the defaults.

    Raises
    ------
    ConfigError
        Unreadable, not TOML, an unknown key, a wrong type or a value that makes no sense.
    """
    if path is None:
        return Config()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        config = msgspec.convert(document, Config)
    except OSError as error:
        raise ConfigError(f"The settings {path} cannot be read: {error.strerror}.") from error
    except (ValueError, msgspec.ValidationError) as error:  # also what is not TOML or UTF-8
        raise ConfigError(f"The settings {path} are not right: {error}.") from error
    # msgspec lets a dataclass pass with keys that it does not have.
    unknown = sorted(set(document.get("detector", {})) - set(Detector.__dataclass_fields__))
    if unknown:
        raise ConfigError(f"The settings {path} are not right: detector has no {unknown[0]!r}.")
    try:
        profiles_of(config.catalogs)
    except ConfigError as error:
        raise ConfigError(f"The settings {path} are not right: {error}") from None
    return config
