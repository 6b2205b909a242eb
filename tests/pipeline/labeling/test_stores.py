"""Corpora, shards and outputs in a store: a real S3 server on loopback gives the same bytes as the disk."""

import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from gem_core._storage import local_copy, output_path, remove_file, remove_tree, storage_path, store_files, upload
from gem_core.cli import app
from gem_core.corpus import load_vectors, read_corpus
from gem_core.errors import CorpusError, InputError
from gem_core.export import export
from gem_core.export.figures import write_figure
from gem_core.export.mixtures import write_weights
from gem_core.pipeline import Source, estimate, prepare
from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.pipeline.labeling.label_folder import label_folder
from gem_core.pipeline.labeling.label_shard import LabelingJob, label_shard
from gem_core.pipeline.labeling.sample_shards import sample_shards
from gem_core.pipeline.labeling.shard_files import find_shards
from gem_core.pipeline.labeling.totals import read_totals
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.pipeline.mixing.training_set import TrainingSetRequest, draw_training_set
from gem_core.pipeline.mixing.weights_file import read_weights
from gem_core.pipeline.student.distil import DistilSettings, distil
from gem_core.student import StudentConfig, load_student
from gem_core.workspace import Workspace
from tests.helpers.corpora import small_corpus
from tests.helpers.hub_server import REPOSITORY, Hub, hub_server
from tests.helpers.shards import folder_of_shards, hashes, saved

pytest.importorskip("upath")
QUICK = DistilSettings(student=StudentConfig(buckets=1 << 12, epochs=1))
FILES = ("a.parquet", "below/f.jsonl", "d.jsonl.gz")


def download(path: str, copy: Path) -> Path:
    """Copy a folder of labeled shards of the store, and what is beside it, to the disk."""
    remote = storage_path(path)
    for folder, local in ((remote, copy), (bookkeeping(remote), bookkeeping(copy))):
        remote.fs.get(folder.path, str(local), recursive=True)
    return copy


def test_a_killed_labeling_goes_on_in_the_store_to_the_bytes_of_the_disk(s3: Path, tmp_path: Path) -> None:
    places = ("s3://pool/student", "s3://pool/in", "s3://pool/out")
    process = subprocess.Popen(
        [sys.executable, "-m", "gem_core.cli", "label", *places, "--workers", "1"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    finished = bookkeeping(storage_path(places[2])) / "done"
    until = time.monotonic() + 120
    while not finished.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert list(finished.rglob("*.json"))
    totals = label_folder(*places, workers=1, resume=True)
    assert totals.complete
    assert read_totals(places[2]) == totals.to_json()
    label_folder(s3 / "student", s3 / "in", tmp_path / "local", workers=1)
    assert hashes(download(places[2], tmp_path / "copy")) == hashes(tmp_path / "local")
    with pytest.raises(InputError, match="must be empty"):
        label_folder(*places, workers=1)


def test_a_sample_of_shards_and_a_corpus_are_read_from_and_written_to_a_store(s3: Path, tmp_path: Path) -> None:
    sample_shards("s3://pool/in", 40, "s3://pool/seed.parquet")
    sample_shards(storage_path("s3://pool/in"), 40, tmp_path / "seed.parquet")
    remote = storage_path("s3://pool/seed.parquet")
    assert remote.read_bytes() == (tmp_path / "seed.parquet").read_bytes()
    corpus = read_corpus("s3://pool/seed.parquet", counter="words")
    assert corpus.data_hash == read_corpus(tmp_path / "seed.parquet", counter="words").data_hash
    np.save(tmp_path / "own.npy", np.eye(40, 8) + 1)
    remote.fs.put(str(tmp_path / "own.npy"), "pool/own.npy")
    assert np.array_equal(load_vectors("s3://pool/own.npy", 40), load_vectors(tmp_path / "own.npy", 40))


def test_a_workspace_is_made_from_a_store_and_writes_its_results_there(
    s3: Path, sample: Workspace, tmp_path: Path
) -> None:
    np.save(tmp_path / "own.npy", np.random.default_rng(0).normal(size=(60, 8)))
    storage_path("s3://pool/c.npy").write_bytes((tmp_path / "own.npy").read_bytes())
    source = Source(storage_path("s3://pool/in/c.jsonl"), vectors=storage_path("s3://pool/c.npy"))
    assert estimate(source).documents == 60
    opened = prepare(source, tmp_path / "workspace")
    assert (opened.manifest.source, opened.manifest.documents) == ("s3://pool/in/c.jsonl", 60)
    with pytest.raises(InputError, match="A workspace must lie on a disk"):
        prepare(source, "s3://pool/workspace")

    names = {path.name for path in export(sample, "s3://pool/export")}
    assert {path.name for path in storage_path("s3://pool/export").iterdir()} == names
    local = {path.name: path for path in export(sample, tmp_path / "export")}
    for name in names - {"assignments.parquet", "receipt.json"}:
        assert storage_path(f"s3://pool/export/{name}").read_bytes() == local[name].read_bytes()
    write_figure(sample, "shares", storage_path("s3://pool/shares.svg"))
    assert storage_path("s3://pool/shares.svg").read_text().rstrip().endswith("</svg>")


def test_a_training_set_in_a_store_has_the_bytes_of_the_disk(s3: Path, sample: Workspace, tmp_path: Path) -> None:
    taxonomy, request = sample.taxonomy(), TrainingSetRequest(30_000, shard_tokens=9000)
    write_weights(tmp_path / "weights.csv", taxonomy, weights_by(sample, taxonomy, "natural"))
    storage_path("s3://pool/weights.csv").write_bytes((tmp_path / "weights.csv").read_bytes())
    weights = read_weights(storage_path("s3://pool/weights.csv"))
    for _ in range(2):  # The second one finds what the first one wrote, but damaged.
        draw_training_set(sample, taxonomy, weights, "s3://pool/set", request)
        storage_path("s3://pool/set/part-00000.parquet").write_bytes(b"damaged")
    draw_training_set(sample, taxonomy, weights, "s3://pool/set", request)
    draw_training_set(sample, taxonomy, weights, tmp_path / "set", request)
    copy = download("s3://pool/set", tmp_path / "copy")
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "set").iterdir()
    }


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A server on loopback that speaks for Hugging Face's hub, in this process and in those that it starts."""
    with hub_server() as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        for name, value in {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_TOKEN": "hf_secret"}.items():
            monkeypatch.setenv(name, value)
        yield server
        assert "Bearer hf_secret" in server.tokens


@pytest.fixture(params=["gs", "hf"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty folder on a server on loopback that speaks for Google's store or Hugging Face's hub."""
    if request.param == "hf":
        request.getfixturevalue("hub")
        yield f"hf://datasets/{REPOSITORY}/below"
        return
    emulator = pytest.importorskip("gcp_storage_emulator.server")
    server = emulator.create_server("127.0.0.1", 0, in_memory=True, default_bucket="pool")
    server.start()
    port = server._api._httpd.server_address[1]
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    yield "gs://pool/below"
    server.stop()


def test_stores_of_google_and_hugging_face_give_the_bytes_of_the_disk(store: str, tmp_path: Path) -> None:
    folder_of_shards(tmp_path / "in")
    for name in FILES:
        upload(tmp_path / "in" / name, storage_path(f"{store}/in/{name}"))
    saved(tmp_path / "student")
    for path in (tmp_path / "student").iterdir():
        upload(path, storage_path(f"{store}/student/{path.name}"))
    sample_shards(f"{store}/in", 40, f"{store}/seed.parquet")
    for root, student in (store, load_student(f"{store}/student")), (tmp_path, load_student(tmp_path / "student")):
        listing = {shard.name: shard for shard in find_shards(storage_path(f"{root}/in"))}
        job = LabelingJob(output_path(f"{root}/out"))
        for name in FILES:
            label_shard(student, listing[name], job)
    local = hashes(tmp_path / "out")
    assert hashes(local_files(f"{store}/out", tmp_path / "copy")) == local
    remove_tree(storage_path(f"{store}/out"))
    assert not storage_path(f"{store}/out").exists()
    corpus = read_corpus(f"{store}/in/a.parquet", counter="words")
    assert corpus.data_hash == read_corpus(tmp_path / "in" / "a.parquet", counter="words").data_hash
    assert read_corpus(f"{store}/seed.parquet", counter="words").documents.shape[0] == 40


def test_each_shard_is_one_commit_on_the_hub(hub: Hub, tmp_path: Path) -> None:
    folder_of_shards(tmp_path / "in")
    (tmp_path / "in" / "c.jsonl").write_bytes(b'{"text": "sound"}\nno JSON\n')
    shards = {shard.name: shard for shard in find_shards(tmp_path / "in")}
    job, own = LabelingJob(output_path(f"hf://datasets/{REPOSITORY}/out")), ".out.gem-explorer"
    for name in ("a.parquet", "c.jsonl"):
        label_shard(load_student(saved(tmp_path / "student")), shards[name], job)
    remove_file(job.out / "nothing.json")
    assert hub.commits == [
        ["out/a.parquet", f"{own}/done/a.parquet.json"],
        ["out/c.jsonl", f"{own}/refused/c.jsonl.jsonl", f"{own}/done/c.jsonl.json"],
    ]


def local_files(path: str, copy: Path) -> Path:
    """Copy a folder of labeled shards of any store, and what is beside it, to the disk."""
    remote = storage_path(path)
    for folder, local in ((remote, copy), (bookkeeping(remote), bookkeeping(copy))):
        with local_copy(folder) as files:
            shutil.copytree(files, local)
    return copy


def test_a_store_that_does_not_answer_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{closed.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(CorpusError, match=r"gs://nowhere/in must be reachable .*no connection to 127\.0\.0\.1"):
            read_corpus("gs://nowhere/in")
    assert time.monotonic() - began < 10


def test_an_output_on_the_hub_lies_in_a_data_set() -> None:
    with pytest.raises(InputError, match=r"must lie in a data set; got hf:/+datasets/team/pool"):
        output_path("hf://datasets/team/pool")


def test_commands_fit_from_a_store_and_write_there(s3: Path, tmp_path: Path) -> None:
    for file in small_corpus(tmp_path, 200):
        upload(file, storage_path(f"s3://pool/{file.name}"))
    workspace = tmp_path / "workspace"

    def command(*words: object) -> str:
        result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    vectors = ("--embeddings", "s3://pool/vectors.npy", "--keyword-names")
    command("fit", "s3://pool/corpus.csv", *vectors, "--workspace", workspace, "--clusters", 4)
    for words in (
        ("report", workspace, "--out"),
        ("mix", "split", workspace, "--out"),
        ("mix", "swarm", workspace, "--count", 10, "--format", "olmo-core", "--out"),
    ):
        name = "-".join(map(str, words[:2])).replace(str(workspace), "page")
        command(*words, f"s3://pool/to/{name}")
        command(*words, tmp_path / "to" / name)
    remote = storage_path("s3://pool/to")
    local = {
        path.relative_to(tmp_path / "to").as_posix(): path.read_bytes()
        for path in (tmp_path / "to").rglob("*")
        if path.is_file()
    }
    assert len(local) > 15
    assert {name: (remote / name).read_bytes() for name in store_files(remote)} == local
    taxonomy = Workspace(workspace).taxonomy()
    distil(Workspace(workspace), taxonomy, "s3://pool/taught", QUICK)
    assert load_student("s3://pool/taught").numbers == tuple(c.number for c in taxonomy.clusters)
    refused = CliRunner().invoke(app, ["fit", "s3://pool/corpus.csv", "--workspace", "s3://pool/workspace"])
    assert "must lie on a disk" in " ".join(refused.output.replace("│", " ").split())


def test_a_web_server_is_read(s3: Path, tmp_path: Path) -> None:
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(s3 / "in"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        for name in ("c.jsonl", "d.jsonl.gz"):
            corpus = read_corpus(f"{address}/{name}?download=true", counter="words")
            assert corpus.data_hash == read_corpus(s3 / "in" / name, counter="words").data_hash
        with pytest.raises(CorpusError, match="does not exist"):
            read_corpus(f"{address}/none.jsonl")
        server.shutdown()
    with pytest.raises(CorpusError, match="must be reachable"):
        read_corpus(f"{address}/c.jsonl")


@pytest.mark.parametrize("path", ["s3://none/in", "s3://pool/none"])
def test_a_store_that_is_not_there_is_named(s3: Path, tmp_path: Path, path: str) -> None:
    with pytest.raises(CorpusError, match=f"got {path}"):
        read_corpus(path)
    with pytest.raises(InputError, match=path):
        label_folder(s3 / "student", path, tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


def test_an_output_without_a_bucket_is_refused_before_the_work(s3: Path) -> None:
    with pytest.raises(InputError, match=r"s3://none/seed\.parquet must"):
        sample_shards(s3 / "in", 10, "s3://none/seed.parquet")
