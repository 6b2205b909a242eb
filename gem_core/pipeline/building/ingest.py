"""From a corpus file to a workspace that can be fitted: read, embed, count phrases, index, lay out."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gem_core._storage import local_path
from gem_core._types import Float32, Progress, silent
from gem_core.corpus import Columns, Corpus, ReadOptions, check_vectors, choose_columns, load_vectors, read_corpus
from gem_core.corpus.read import MIN_WORDS
from gem_core.corpus.unpack import LONGEST_ROW
from gem_core.embedding import EncoderSettings, embed
from gem_core.embedding.embed import Engine
from gem_core.errors import WorkspaceError
from gem_core.projection import layout
from gem_core.taxonomy import count_terms
from gem_core.workspace import Manifest, Workspace, writing
from gem_core.workspace.atomic_files import check_folder, write_array
from gem_core.workspace.costs import CostBook
from gem_core.workspace.manifest import FILE as MANIFEST
from gem_core.workspace.manifest import read_manifest

PACKAGED = "packaged"


@dataclass(frozen=True)
class Source:
    """Where a corpus and its vectors come from.

    Parameters
    ----------
    path : Path
        A file of rows (csv, tsv, jsonl, json, each also compressed; parquet, arrow, feather), or a folder of them.
    columns : Columns, optional
        Which column has which role; guessed from the names and the first values when None.
    vectors : Path, optional
        Supplied vectors (.npy, or parquet with a list column), one row per document; else the documents are embedded.
    encoder : str
        "packaged", or a local path or hub name of a sentence-transformers model.
    name : str
        What the app calls the corpus; the file's name when empty.
    min_words : int
        Documents with fewer words are refused.
    options : ReadOptions, optional
        Split, encoding, header and longest row of the files.
    embedding : EncoderSettings, optional
        Prompts and tokens of the encoder.
    """

    path: Path
    columns: Columns | None = None
    vectors: Path | None = None
    encoder: str = PACKAGED
    name: str = ""
    min_words: int = MIN_WORDS
    options: ReadOptions | None = None
    embedding: EncoderSettings | None = None

    def option_values(self, corpus: Corpus) -> dict[str, Any]:
        """Return the options that are not the usual ones, as the manifest records them."""
        read, embedding = self.options or ReadOptions(), self.embedding or EncoderSettings()
        id_guessed = self.columns is not None and self.columns.id_guessed and corpus.columns.id is None
        pairs = (
            ("min_words", self.min_words, MIN_WORDS),
            ("split", read.split, None),
            ("encoding", read.encoding, "utf-8"),
            ("no_header", not read.header, False),
            ("longest_row", read.longest_row, LONGEST_ROW),
            ("prompt", embedding.prompt, None),
            ("query_prompt", embedding.query_prompt, None),
            ("max_tokens", embedding.max_tokens, None),
            ("id_guessed", id_guessed, False),
        )
        return {name: value for name, value, usual in pairs if value != usual}


def recorded_source(manifest: Manifest) -> Source:
    """Return the source that a workspace was made from, with the options that its manifest records."""
    options, path = manifest.options, Path(manifest.source)
    read = ReadOptions(
        options.get("split"),
        options.get("encoding", "utf-8"),
        not options.get("no_header", False),
        options.get("longest_row", LONGEST_ROW),
    )
    columns = Columns(**manifest.columns)  # type: ignore[arg-type]  # The text is never None.
    if options.get("id_guessed"):
        column_names = {role: name or "" for role, name in manifest.columns.items() if role != "id"}
        columns = choose_columns(path, **column_names, options=read)
    own = Path(manifest.encoder).suffix in (".npy", ".parquet", ".pq")
    return Source(
        path,
        columns=columns,
        vectors=Path(manifest.encoder) if own else None,
        encoder=PACKAGED if own else manifest.encoder or PACKAGED,
        min_words=options.get("min_words", MIN_WORDS),
        options=read,
        embedding=recorded_embedding(manifest),
    )


def recorded_embedding(manifest: Manifest) -> EncoderSettings:
    """Return the prompts and the tokens of the encoder, as the manifest records them."""
    options = manifest.options
    return EncoderSettings(
        max_tokens=options.get("max_tokens"), prompt=options.get("prompt"), query_prompt=options.get("query_prompt")
    )


def read_source(source: Source, *, progress: Progress = silent) -> Corpus:
    """Read the documents of a source; supplied vectors are read first, so that a wrong file costs no time.

    Raises
    ------
    CorpusError
        If the vectors or the corpus cannot be read, or no document is left.
    """
    if source.vectors is not None:
        check_vectors(source.vectors)
    return read_corpus(
        source.path, columns=source.columns, min_words=source.min_words, options=source.options, progress=progress
    )


def prepare(
    source: Source,
    root: Path,
    *,
    engine: Engine | None = None,
    check: Callable[[int], None] | None = None,
    progress: Progress = silent,
) -> Workspace:
    """Read the corpus into a workspace and give every document a vector; `engine` embeds instead of this process.

    `check` receives the number of documents before any is embedded and may refuse it.
    """
    root = local_path(root).resolve()
    check_folder(root)
    book = CostBook()
    with book.step("read"):
        corpus = read_source(source, progress=progress)
    if check is not None:
        check(len(corpus.documents))
    # Vectors that do not fit the corpus are refused before anything is written.
    vectors = None
    if source.vectors is not None and not _has_recorded_vectors(root):
        with book.step("embed"):
            vectors = load_vectors(
                source.vectors, len(corpus.documents), rows=corpus.rows, source_rows=corpus.source_rows
            )
    with writing(root):
        if (root / "manifest.json").exists():
            workspace = Workspace(root)
            if corpus.data_hash not in (workspace.manifest.data_hash, workspace.manifest.first_hash):
                raise WorkspaceError(
                    "A workspace keeps one corpus",
                    f"{source.path}, while {root} holds {workspace.manifest.source}",
                    "Choose another --workspace folder",
                )
        else:
            manifest = Manifest(
                name=source.name or source.path.stem,
                source=str(source.path),
                data_hash=corpus.data_hash,
                documents=len(corpus.documents),
                tokens=int(corpus.documents["tokens"].sum()),
                tokens_from=corpus.tokens_from,
                columns=corpus.columns.as_dict(),
                refused=corpus.refused_counts,
                costs=tuple(book.costs),
                notes=corpus.notes,
                options=source.option_values(corpus),
            )
            workspace = Workspace.create(root, manifest, corpus.documents, corpus.refused)
        return _with_vectors(workspace, source, vectors, engine, progress)


def _has_recorded_vectors(root: Path) -> bool:
    """Whether the workspace holds vectors and says whose; a process killed between the two leaves unnamed ones."""
    return all((root / name).exists() for name in ("embeddings.npy", MANIFEST)) and bool(read_manifest(root).encoder)


def _with_vectors(
    workspace: Workspace, source: Source, vectors: Float32 | None, engine: Engine | None, progress: Progress
) -> Workspace:
    encoder = str(source.vectors) if source.vectors else source.encoder
    present = workspace.manifest.encoder
    if workspace.has("embeddings.npy") and present:
        if present != encoder:
            raise WorkspaceError(
                "A workspace keeps the vectors of one encoder",
                f"{encoder}, while it holds {present}",
                "Choose another --workspace folder",
            )
        if source.vectors is None and source.embedding is not None:
            _check_embedding(source.embedding, workspace.manifest)
        return workspace
    book, cache = CostBook(), workspace.root / "cache"
    with book.step("embed"):
        if vectors is None:
            vectors = embed(
                list(workspace.all_texts()),
                cache=cache,
                encoder=source.encoder,
                settings=source.embedding,
                engine=engine,
                progress=progress,
            )
        write_array(workspace.root / "embeddings.npy", vectors)
    manifest = replace(
        workspace.manifest.without_hashes("embeddings.npy"), encoder=encoder, dimension=int(vectors.shape[1])
    )
    manifest.with_cost(book.costs[0]).save(workspace.root)
    shutil.rmtree(cache, ignore_errors=True)  # The vectors are in the workspace now.
    return Workspace(workspace.root)


def _check_embedding(settings: EncoderSettings, manifest: Manifest) -> None:
    """Refuse other prompts or tokens than those of the vectors that are there."""
    present = recorded_embedding(manifest)
    for name in ("prompt", "query_prompt", "max_tokens"):
        value, recorded = getattr(settings, name), getattr(present, name)
        if value != recorded:
            raise WorkspaceError(
                f"A workspace keeps the --{name.replace('_', '-')} that its vectors were made with",
                f"{_option_text(value)}, while it has {_option_text(recorded)}",
                "Give the same, or choose another --workspace folder",
            )


def _option_text(value: object) -> str:
    return "the encoder's own" if value is None else f"'{value}'"


def finish_workspace(workspace: Workspace, *, progress: Progress = silent) -> None:
    """Compute what maps and names need, where missing: phrase counts, text index, layout."""
    with workspace.writing():
        book = CostBook()
        if not workspace.has("terms"):
            with book.step("count phrases"):
                workspace.save_terms(count_terms(workspace.all_texts(), progress=progress))
        if not workspace.database.indexed():
            with book.step("index text"):
                workspace.index(progress)
        if not workspace.has("sphere.npy"):
            with book.step("lay out"):
                positions = layout(workspace.embeddings, seed=0, progress=progress)
                workspace.save_layout(positions.sphere, positions.flat)
            if positions.sampled_documents:
                sampled = f"{positions.sampled_documents:,} documents"
                note = f"map laid out from {sampled}, the others placed beside their nearest"
                notes = tuple(each for each in workspace.manifest.notes if not each.startswith("map laid out from"))
                workspace.manifest = replace(workspace.manifest, notes=(*notes, note))
        for cost in book.costs:
            workspace.manifest = workspace.manifest.with_cost(cost)
        if book.costs:
            workspace.manifest.save(workspace.root)
