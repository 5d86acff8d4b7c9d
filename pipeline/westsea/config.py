"""Settings from one TOML file; flags and WESTSEA_* variables come first."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from westsea.detector import Detector
from westsea_catalog.errors import ConfigError


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
    log_format: str | None = None
    detector: Detector = Detector()

    def defaults(self) -> dict[str, Any]:
        """Defaults of the command line's options, by name."""
        names = [name for name in self.__struct_fields__ if name != "detector"]
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value not in (None, ())}


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
    return config
