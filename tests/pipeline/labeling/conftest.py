"""One S3 server on loopback for all tests of labeling."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gem_core._storage import storage_path
from tests.helpers.shards import folder_of_shards, saved


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An S3 server with a bucket "pool" with a student and seven shards, one of them larger."""
    moto_server = pytest.importorskip("moto.server")
    pytest.importorskip("upath")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        root = tmp_path_factory.mktemp("store")
        fs = storage_path("s3://pool/in").fs
        fs.mkdir("pool")
        folder_of_shards(root / "in")
        (root / "in" / "big.jsonl").write_bytes((root / "in" / "c.jsonl").read_bytes() * 20)
        saved(root / "student")
        for name in ("in", "student"):
            fs.put(str(root / name), f"pool/{name}", recursive=True)
        yield root
    server.stop()
