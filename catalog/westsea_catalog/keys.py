"""Where AWS keys are, for GDAL and for the store that results are written to.

GDAL finds those in variables and files itself. Where there are none it asks the metadata service
of a virtual machine, and takes up to three minutes to see that there is none: so it is seen here
whether there are any. obstore, which reads texts and writes results, knows the variables, and not
the files.
"""

import os
from configparser import ConfigParser
from configparser import Error as ParserError
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from westsea_catalog.access import Options
from westsea_catalog.errors import ConfigError

ON_EC2 = "CPL_AWS_AUTODETECT_EC2"
"""Set to YES by those whose machine has a role of its own."""
KEYS_LAST = timedelta(minutes=5)
"""Then keys of files are read again: whoever renews them writes them there."""

_SOURCES = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE",),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI",),
)
_CREDENTIALS = (("CPL_AWS_CREDENTIALS_FILE", "AWS_SHARED_CREDENTIALS_FILE"), ".aws/credentials")
_CONFIG = (("AWS_CONFIG_FILE",), ".aws/config")
_BY_OTHERS = {"role_arn", "credential_process", "sso_session", "sso_start_url", "login_session"}
"""Settings of a profile whose keys other programs get."""


def key_options(bucket: str) -> Options:
    """Settings with which GDAL finds the keys for a bucket, and looks nowhere else.

    Raises
    ------
    ConfigError
        There are none.
    """
    if not (_in_variables() or _in_files() or _is_on_ec2()):
        raise _no_keys(bucket, "where the workers run")
    shared = os.environ.get("AWS_SHARED_CREDENTIALS_FILE")
    file = os.environ.get("CPL_AWS_CREDENTIALS_FILE") or shared  # GDAL knows the first alone
    return (
        (ON_EC2, "YES" if _is_on_ec2() else "NO"),
        *((("CPL_AWS_CREDENTIALS_FILE", file),) if file else ()),
    )


def store_options(bucket: str, *, signs: bool) -> dict[str, Any]:
    """Region and keys for obstore's client of a bucket, where it does not find them in variables.

    Raises
    ------
    ConfigError
        There are no keys, or a file cannot be read.
    """
    options: dict[str, Any] = {"skip_signature": not signs}
    if not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")):
        options["region"] = shared_settings().get("region", "us-east-1")
    if signs and _keys_of_files(bucket):
        options["credential_provider"] = lambda: _credential(bucket)
    return options


def _credential(bucket: str) -> dict[str, Any]:
    keys = _keys_of_files(bucket)
    return {
        "access_key_id": keys["aws_access_key_id"],
        "secret_access_key": keys["aws_secret_access_key"],
        "token": keys.get("aws_session_token"),
        "expires_at": datetime.now(UTC) + KEYS_LAST,
    }


def _keys_of_files(bucket: str) -> dict[str, str]:
    """The keys of the profile in use, for a client that finds all others itself.

    Empty where it does: keys in variables come first, and a machine may have a role of its own.

    Raises
    ------
    ConfigError
        There are none.
    """
    if _in_variables():
        return {}
    settings = shared_settings()
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    if settings.keys() >= set(names[:2]):
        return {name: settings[name] for name in names if settings.get(name)}
    if _is_on_ec2():
        return {}
    others = _BY_OTHERS & settings.keys()
    if others:
        raise ConfigError(
            f"The AWS profile {_profile()} has no keys of its own but {min(others)}: set"
            " AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to those it leads to,"
            " where the workers run too."
        )
    raise _no_keys(bucket, "where the workers run too")


def shared_settings() -> dict[str, str]:
    """What the two AWS files say of the profile in use; names as there.

    Raises
    ------
    ConfigError
        A file cannot be read, or AWS_PROFILE names a profile that is in none.
    """
    profile, is_known = _profile(), False
    found: dict[str, str] = {}
    in_config = profile if profile == "default" else f"profile {profile}"
    for file, section in ((_CONFIG, in_config), (_CREDENTIALS, profile)):
        parser = ConfigParser(interpolation=None, default_section="", strict=False)
        try:
            parser.read(_path(file), encoding="utf-8")
        except (ParserError, OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{_path(file)} cannot be read as a file of AWS settings.") from error
        if parser.has_section(section):
            is_known = True
            found |= dict(parser[section])
    if not is_known and profile != "default":
        raise ConfigError(
            f"AWS_PROFILE is {profile}, which is neither in {_path(_CREDENTIALS)} nor in"
            f" {_path(_CONFIG)}: name another one, or unset it."
        )
    return found


def _no_keys(bucket: str, where: str) -> ConfigError:
    return ConfigError(
        f"The bucket {bucket} wants AWS keys, and there are none: set AWS_ACCESS_KEY_ID and"
        f" AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials, {where}."
    )


def _profile() -> str:
    return os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or "default"


def _path(file: tuple[tuple[str, ...], str]) -> Path:
    names, usual = file
    named = next((os.environ[name] for name in names if os.environ.get(name)), None)
    return Path(named).expanduser() if named else Path("~", usual).expanduser()


def _in_variables() -> bool:
    return any(all(os.environ.get(name) for name in names) for names in _SOURCES)


def _in_files() -> bool:
    return any(_path(file).is_file() for file in (_CREDENTIALS, _CONFIG))


def _is_on_ec2() -> bool:
    return os.environ.get(ON_EC2, "").upper() in ("YES", "TRUE", "ON", "1")
