"""Token ids and the split: nothing is lost, nothing is on both sides, too little is refused by name."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.ngram_preview import ngram_preview
from gem_core.pipeline.mixing.proxy_data import SplitSettings, proxy_corpus
from gem_core.pipeline.mixing.token_ids import END, token_ids
from gem_core.workspace import Workspace

SMALL = SplitSettings(vocabulary=400, least=400)


def documents(stream: np.ndarray) -> list[bytes]:
    """The documents of a stream, as bytes of their ids."""
    starts = np.flatnonzero(stream == END)
    return [part[1:].tobytes() for part in np.split(stream, starts)[1:]]


def test_ids_are_the_texts(sample: Workspace) -> None:
    from tokenizers import Tokenizer, decoders

    ids = token_ids(sample, 400)
    folder = next((sample.root / "mixing").glob("tokens-*"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.decoder = decoders.ByteLevel()
    for row, text in enumerate(sample.all_texts()):
        assert tokenizer.decode(ids.document(row).tolist()) == text
        assert END not in ids.document(row)
    assert ids.ids.max() < ids.vocabulary == tokenizer.get_vocab_size() == 400
    assert len(ids.ends) == len(sample)


def test_the_same_tokenizer_in_another_process(sample: Workspace, built_sample: Path) -> None:
    tokenizer_hash = token_ids(sample, 400).tokenizer_hash
    code = (
        "import shutil, sys; from gem_core.workspace import Workspace; "
        "from gem_core.pipeline.mixing.token_ids import token_ids; "
        "shutil.copytree(sys.argv[1], sys.argv[2]); "
        "print(token_ids(Workspace(sys.argv[2]), 400).tokenizer_hash)"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code, str(built_sample), str(sample.root.parent / "other")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert completed.stdout.strip() == tokenizer_hash


def test_ids_are_made_once(sample: Workspace) -> None:
    token_ids(sample, 400)
    steps: list[str] = []
    again = token_ids(sample, 400, progress=lambda step, completed, total: steps.append(step))
    assert steps == []
    assert len(token_ids(sample, 450).ids) < len(again.ids), "more tokens say the same in fewer"


def test_every_document_is_in_one_stream(sample: Workspace) -> None:
    domains = domains_of(sample, sample.taxonomy())
    corpus = proxy_corpus(sample, domains.positions, domains.names, SMALL)
    ids = token_ids(sample, 400)
    for k in range(len(domains.names)):
        own = [ids.document(int(row)).tobytes() for row in np.flatnonzero(domains.positions == k)]
        train, held_out = (documents(part[k]) for part in (corpus.streams.train, corpus.streams.held_out))
        assert sorted(train + held_out) == sorted(own)
        assert not set(train) & set(held_out)
        size = len(corpus.streams.train[k]) + len(corpus.streams.held_out[k])
        longest = max(map(len, held_out)) // 2 + 1
        need = max(0.05 * size, 400)
        assert need <= len(corpus.streams.held_out[k]) < need + longest


def test_copies_stand_on_one_side(sample: Workspace) -> None:
    import pandas as pd

    table = pd.read_parquet(sample.root / "documents.parquet")
    table["text"] = [f"{table['text'][row // 3]}" for row in range(len(table))]  # each text three times
    table.to_parquet(sample.root / "documents.parquet", index=False, row_group_size=64)
    for seed in range(3):
        corpus = proxy_corpus(
            sample, np.zeros(len(table), dtype=int), ["all"], SplitSettings(vocabulary=400, least=400, seed=seed)
        )
        held_out, train = documents(corpus.streams.held_out[0]), documents(corpus.streams.train[0])
        assert not set(held_out) & set(train)
        assert all(held_out.count(text) == 3 for text in held_out)


def test_the_seed_decides_the_split_and_the_limit_is_kept(sample: Workspace) -> None:
    everything = np.zeros(len(sample), dtype=int)
    first, same, other = (
        proxy_corpus(sample, everything, ["all"], SplitSettings(400, least=400, seed=seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(first.streams.held_out[0], same.streams.held_out[0])
    assert set(documents(first.streams.held_out[0])) != set(documents(other.streams.held_out[0]))
    few = proxy_corpus(sample, everything, ["all"], SplitSettings(400, least=400, most=5000))
    assert len(few.streams.train[0]) == 5000
    assert np.array_equal(few.streams.train[0], first.streams.train[0][:5000])
    assert np.array_equal(few.streams.held_out[0], first.streams.held_out[0][:5000])


def test_documents_of_no_domain_are_in_no_stream(sample: Workspace) -> None:
    half = np.where(np.arange(len(sample)) % 2 == 0, 0, -1)
    ids = token_ids(sample, 400)
    corpus = proxy_corpus(sample, half, ["even"], SMALL)
    own = sorted(ids.document(row).tobytes() for row in range(0, len(sample), 2))
    assert sorted(documents(corpus.streams.train[0]) + documents(corpus.streams.held_out[0])) == own


def test_a_domain_with_too_little_is_named(sample: Workspace) -> None:
    positions = np.zeros(len(sample), dtype=int)
    positions[:2] = 1
    with pytest.raises(InputError, match=r"about 4,096 tokens, .* got 'two letters' with \d{3} in 2 documents\. Merge"):
        proxy_corpus(sample, positions, ["rest", "two letters"], SplitSettings(vocabulary=400))
    with pytest.raises(InputError, match="'none' with 0 in 0 documents"):
        proxy_corpus(sample, positions * 0, ["all", "none"], SMALL)
    with pytest.raises(InputError, match=r"300 to 4,096 tokens; got 9,000"):
        token_ids(sample, 9000)


def test_the_preview_is_built_once_and_again_when_damaged(sample: Workspace) -> None:
    domains = domains_of(sample, sample.taxonomy())
    first = ngram_preview(sample, domains, SMALL)
    path = next((sample.root / "mixing" / domains.taxonomy_hash).glob("ngram-*.npz"))
    written = path.stat().st_mtime_ns
    again = ngram_preview(sample, domains, SMALL)
    assert np.array_equal(first.probabilities, again.probabilities)
    assert path.stat().st_mtime_ns == written
    path.write_bytes(path.read_bytes()[:100])
    assert np.array_equal(ngram_preview(sample, domains, SMALL).probabilities, first.probabilities)
    pure = np.array([first.losses(goal) for goal in np.eye(len(domains.names))])
    apart = pure - pure.mean(axis=1, keepdims=True)  # models differ in skill
    assert np.diag(apart).mean() < -0.2, "a domain's model knows its own documents better than others"
