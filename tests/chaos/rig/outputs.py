"""What a sweep left in its folder."""

import json

import obstore
from obstore.store import S3Store


def tables(out):
    """All files that are results, and their bytes."""
    return {
        str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.parquet"))
    }


def keys_of(server, prefix):
    """All keys below a prefix of the bucket of results, and their bytes."""
    store = S3Store(
        "results",
        endpoint=server.endpoint,
        access_key_id="Key",
        secret_access_key="Secret",
        region="us-east-1",
        prefix=prefix,
        client_options={"allow_http": True},
    )
    found = [entry["path"] for page in obstore.list(store) for entry in page]
    return {key: bytes(obstore.get(store, key).bytes()) for key in found}


def committed(out):
    """Number of scenes that are there."""
    return sum(1 for _ in out.glob("detections/*/*/*.parquet"))


def left_behind(out):
    """What only crashed runs leave: temporary files, journals, records of failures."""
    folders = (".tmp", ".journal", "failed", "refused")
    return [str(path) for name in folders for path in (out / name).rglob("*") if path.is_file()]


def last_run(out):
    """The record of the last run."""
    return json.loads(max((out / "runs").glob("*.json")).read_bytes())
