"""How to get at a file: what GDAL is to be told, and who signs its address."""

from dataclasses import dataclass, field

Options = tuple[tuple[str, str], ...]
"""Names and values of GDAL's settings."""

AMAZON = "s3.amazonaws.com"
QUIET: Options = (("CPL_DEBUG", "OFF"), ("CPL_CURL_VERBOSE", "NO"))
"""GDAL's own logs hold signatures."""


@dataclass(frozen=True)
class Bucket:
    """One S3 bucket that hrefs may name, and how it is read.

    Keys come from where GDAL finds them, the usual AWS variables and files, and go to the
    endpoint named here: AWS_S3_ENDPOINT and the like have no say.
    """

    name: str
    region: str = ""
    """Empty: that of AWS_REGION."""
    endpoint: str = AMAZON
    """Host, and port if need be, of a store that is not Amazon's."""
    requester_pays: bool = False
    unsigned: bool = False
    """Open to everybody: no keys are sent, none are needed."""
    https: bool = True
    virtual_hosting: bool = True
    """Whether the bucket is part of the host's name, or of the path."""

    @property
    def access(self) -> "Access":
        """How its files are read."""
        options = {
            "AWS_S3_ENDPOINT": self.endpoint,
            "AWS_HTTPS": "YES" if self.https else "NO",
            "AWS_VIRTUAL_HOSTING": "TRUE" if self.virtual_hosting else "FALSE",
            "AWS_NO_SIGN_REQUEST": "YES" if self.unsigned else "NO",
            "AWS_REQUEST_PAYER": "requester" if self.requester_pays else "",
            **({"AWS_REGION": self.region} if self.region else {}),
        }
        return Access(options=tuple(options.items()), needs_keys=not self.unsigned)


@dataclass(frozen=True)
class Access:
    """How one file is read; travels with its scene to the workers, and holds no secret."""

    options: Options = ()
    """GDAL's settings around each open and read, beside those that every file has."""
    needs_keys: bool = False
    """Whether GDAL has to find AWS keys."""
    token_url: str = ""
    """Whom to ask for a signature; empty where none is wanted."""
    private_hosts: tuple[str, ...] = ()
    """Hosts that may have a private address; see `Profile`."""
    plain_http: bool = False
    """Whether those may be read without encryption."""
    is_known: bool = True
    """Whether the host is one of the profile's own; others may redirect to anywhere."""


DIRECT = Access()
"""Nothing special, as with a local file."""


@dataclass(frozen=True)
class Place:
    """A file as GDAL opens it this time."""

    path: str
    options: Options = field(default=(), repr=False)
    """Beside those of its `Access`; may hold a signature."""
