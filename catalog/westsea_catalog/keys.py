"""Whether there are AWS keys for GDAL to find, before it looks for them on the network.

GDAL asks the metadata service of a virtual machine where variables and files hold no keys, and
takes up to three minutes to see that there is none.
"""

import os
from pathlib import Path

from westsea_catalog.access import Options
from westsea_catalog.errors import ConfigError

ON_EC2 = "CPL_AWS_AUTODETECT_EC2"
"""Set to YES by those whose machine has a role of its own."""

_SOURCES = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE",),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI",),
)
_FILES = (
    (("CPL_AWS_CREDENTIALS_FILE", "AWS_SHARED_CREDENTIALS_FILE"), ".aws/credentials"),
    (("AWS_CONFIG_FILE",), ".aws/config"),
)


def key_options(bucket: str) -> Options:
    """Settings with which GDAL finds the keys for a bucket, and looks nowhere else.

    Raises
    ------
    ConfigError
        There are none.
    """
    if not (_in_variables() or _in_files() or _is_on_ec2()):
        raise ConfigError(
            f"The bucket {bucket} wants AWS keys, and there are none: set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials, where the workers run."
        )
    shared = os.environ.get("AWS_SHARED_CREDENTIALS_FILE")
    file = os.environ.get("CPL_AWS_CREDENTIALS_FILE") or shared  # GDAL knows the first alone
    return (
        (ON_EC2, "YES" if _is_on_ec2() else "NO"),
        *((("CPL_AWS_CREDENTIALS_FILE", file),) if file else ()),
    )


def _in_variables() -> bool:
    return any(all(os.environ.get(name) for name in names) for names in _SOURCES)


def _in_files() -> bool:
    for names, usual in _FILES:
        named = next((os.environ[name] for name in names if os.environ.get(name)), None)
        if (Path(named) if named else Path("~", usual).expanduser()).is_file():
            return True
    return False


def _is_on_ec2() -> bool:
    return os.environ.get(ON_EC2, "").upper() in ("YES", "TRUE", "ON", "1")
