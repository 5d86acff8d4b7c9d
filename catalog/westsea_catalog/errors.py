"""What can go wrong, as a small tree; each leaf knows the exit code of the command line.

Messages are one sentence that says what is wrong and what to do about it.
"""

from typing import ClassVar


class WestseaError(Exception):
    """Base of every error that is meant for a person to read."""

    exit_code: ClassVar[int] = 1


class UsageError(WestseaError):
    """The request makes no sense as written: a box off the world, a reversed period."""

    exit_code: ClassVar[int] = 2


class ConfigError(WestseaError):
    """Settings, credentials or the output folder do not allow the request; do not retry."""

    exit_code: ClassVar[int] = 4


class UpstreamError(WestseaError):
    """A catalogue or store did not answer as it should; a retry may help."""

    exit_code: ClassVar[int] = 5


class SceneError(WestseaError):
    """One scene cannot be processed; the others go on."""


class RefusedScene(SceneError):
    """The scene can never be processed as it is: retrying is pointless until it changes."""

    exit_code: ClassVar[int] = 4


class FailedScene(SceneError):
    """The scene could not be processed this time; a later run tries again."""

    exit_code: ClassVar[int] = 3
