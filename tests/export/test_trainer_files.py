"""Weight files for trainers, each read back by another parser: names, weights to 1e-9, no weight of zero."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from gem_core.errors import InputError
from gem_core.export.mixtures import domain_names, mixture_text, write_weights
from gem_core.export.trainer_files import ENDINGS, TRAINERS, Trainer
from gem_core.mixing import Limits, Weights
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.workspace import Workspace


def parts(trainer: Trainer, text: str) -> dict[str, float]:
    """Paths and weights as a trainer's configuration holds them, read by PyYAML, json or split."""
    if trainer == "megatron":  # Megatron-LM: args.data_path = file.read().split()
        words = text.split()
        return dict(zip(words[1::2], map(float, words[::2]), strict=True))
    value = json.loads(text) if trainer in ("litdata", "huggingface", "torchtitan") else yaml.safe_load(text)
    if trainer == "nemo":
        return dict(zip(value["data_prefix"][1::2], map(float, value["data_prefix"][::2]), strict=True))
    if trainer == "olmo-core":
        assert all(set(s) <= {"source_name", "target_ratio", "paths", "max_repetition_ratio"} for s in value["sources"])
        return {source["paths"][0]: source["target_ratio"] for source in value["sources"]}
    if trainer == "nanotron":
        return dict(zip(value["dataset"]["dataset_folder"], value["dataset"]["dataset_weights"], strict=True))
    if trainer == "streaming":
        assert all("repeat" not in stream for stream in value["streams"].values())
        return {stream["remote"]: stream["proportion"] for stream in value["streams"].values()}
    if trainer == "litdata":
        return dict(zip(value["datasets"], value["weights"], strict=True))
    if trainer == "huggingface":
        return dict(zip(value["data_files"].values(), value["probabilities"], strict=True))
    if trainer == "torchtitan":
        assert all(set(source) == {"dataset", "dataset_path", "weight"} for source in value["sources"])
        return {source["dataset_path"]: source["weight"] for source in value["sources"]}
    data = value["data"]
    return {data["configs"][name]["train_urls"][0]: weight for name, weight in data["train_weights"].items()}


@pytest.fixture
def mix(sample: Workspace) -> Weights:
    """Weights of which one is zero."""
    numbers = domains_of(sample, sample.taxonomy()).numbers
    limits = Limits(1e5, max_epochs=6)
    return weights_by(sample, sample.taxonomy(), "custom", fixed={numbers[0]: 0.0, numbers[3]: 1e-5}, limits=limits)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_each_file_is_read_back_by_another_parser(sample: Workspace, mix: Weights, trainer: Trainer) -> None:
    text = mixture_text(sample.taxonomy(), mix, trainer, "pool/{name}/*")
    names = domain_names(sample.taxonomy(), mix)
    expected = {f"pool/{names[n]}/*": w for n, w in zip(mix.numbers, mix.weights, strict=True) if w > 0}
    shares = parts(trainer, text)
    assert list(shares) == list(expected)
    assert np.abs(np.array(list(shares.values())) - np.array(list(expected.values()))).max() < 1e-9
    assert len(shares) == len(mix.numbers) - 1
    assert sum(shares.values()) == pytest.approx(1, abs=1e-9)


def test_olmo_core_gets_the_cap_and_patterns_are_checked(sample: Workspace, mix: Weights, tmp_path: Path) -> None:
    sources = yaml.safe_load(mixture_text(sample.taxonomy(), mix, "olmo-core"))["sources"]
    assert {source["max_repetition_ratio"] for source in sources} == {6.0}
    with pytest.raises(InputError, match="must contain"):
        mixture_text(sample.taxonomy(), mix, "megatron", "data/all")
    for trainer in TRAINERS:
        path = tmp_path / f"{trainer}{ENDINGS[trainer][0]}"
        assert write_weights(path, sample.taxonomy(), mix, trainer) == trainer
        assert parts(trainer, path.read_text())
        with pytest.raises(InputError, match="trainers have formats"):
            write_weights(tmp_path / "weights.csv", sample.taxonomy(), mix, trainer)


def test_hugging_face_interleaves_by_the_file(sample: Workspace, mix: Weights) -> None:
    datasets = pytest.importorskip("datasets")  # an extra of other tests; not a dependency
    value = json.loads(mixture_text(sample.taxonomy(), mix, "huggingface"))
    tables = [datasets.Dataset.from_dict({"name": [name] * 4000}) for name in value["data_files"]]
    mixed = datasets.interleave_datasets(
        tables, probabilities=value["probabilities"], seed=0, stopping_strategy="first_exhausted"
    )
    columns = list(mixed["name"])
    counts = np.array([columns.count(name) for name in value["data_files"]])
    assert counts / counts.sum() == pytest.approx(np.array(value["probabilities"]), abs=0.01)


def test_mosaicml_streaming_samples_by_the_file(sample: Workspace, mix: Weights, tmp_path: Path) -> None:
    streaming = pytest.importorskip("streaming", exc_type=ImportError)  # mosaicml-streaming, not a dependency
    value = yaml.safe_load(mixture_text(sample.taxonomy(), mix, "streaming", str(tmp_path / "{name}")))
    streams = [streaming.Stream(local=entry["remote"], **entry) for entry in value["streams"].values()]
    streaming.Stream.apply_weights(streams, np.full(len(streams), 500), None, 0)
    weights = np.array([entry["proportion"] for entry in value["streams"].values()])
    assert np.abs(np.array([stream.proportion for stream in streams]) - weights).max() < 1e-9
    counts = np.array([stream.choose for stream in streams])
    assert counts / counts.sum() == pytest.approx(weights, abs=0.001)


def test_litdata_combines_by_the_file(sample: Workspace, mix: Weights, tmp_path: Path) -> None:
    litdata = pytest.importorskip("litdata")  # not a dependency
    from litdata.streaming.writer import BinaryWriter

    value = json.loads(mixture_text(sample.taxonomy(), mix, "litdata", str(tmp_path / "{name}")))
    for index, folder in enumerate(value["datasets"]):
        writer = BinaryWriter(folder, chunk_bytes="1MB")
        for row in range(4000):
            writer.add_item(row, index)
        writer.done()
        writer.merge(1)
    combined = litdata.CombinedStreamingDataset(
        [litdata.StreamingDataset(folder) for folder in value["datasets"]],
        seed=0,
        weights=value["weights"],
        iterate_over_all=False,
    )
    items = [int(item) for item, _ in zip(combined, range(8000), strict=False)]
    counts = np.bincount(items, minlength=len(value["datasets"]))
    assert counts / counts.sum() == pytest.approx(np.array(value["weights"]), abs=0.02)
