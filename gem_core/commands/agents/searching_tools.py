"""Tools that find documents by words, by meaning, or by likeness to one of them."""

from typing import Annotated

import numpy as np
from pydantic import Field

from gem_core._types import Float32
from gem_core.commands.agents.answers import DocumentsAnswer
from gem_core.commands.agents.corpus_rows import document_rows
from gem_core.commands.agents.reading_tools import Characters
from gem_core.commands.agents.session import MAX_DOCUMENTS, AgentSession
from gem_core.pipeline.search.document_ids import rows_of_ids
from gem_core.pipeline.search.filters import Filter, select

Limit = Annotated[int, Field(description="documents to list, up to 50", ge=1, le=MAX_DOCUMENTS)]
InClusters = Annotated[list[int], Field(description="only documents of these clusters; empty = all")]


class SearchingTools:
    """Tools that change nothing."""

    def __init__(self, session: AgentSession) -> None:
        self._session = session

    def search_text(
        self,
        words: Annotated[str, Field(description="words that a document must hold, all of them; '' = any document")],
        clusters: InClusters = [],  # noqa: B006  # read, never changed: the schema shows it as the default
        limit: Limit = 10,
        characters: Characters = 300,
    ) -> DocumentsAnswer:
        """Find documents that hold all the words, best match first; without words the most representative ones."""
        return self._search(Filter(text=words, clusters=tuple(clusters)), None, limit, characters)

    def search_meaning(
        self,
        words: Annotated[str, Field(description="a question, phrase or text", min_length=1, max_length=2000)],
        clusters: InClusters = [],  # noqa: B006
        limit: Limit = 10,
        characters: Characters = 300,
    ) -> DocumentsAnswer:
        """Find the documents nearest in meaning, by cosine (-1 to 1). The first call loads the encoder: seconds."""
        from gem_core.pipeline.search.semantic import vector_of

        vector = vector_of(self._session.workspace, words, progress=self._session.progress)
        return self._search(Filter(clusters=tuple(clusters)), vector, limit, characters)

    def search_like(
        self,
        id: Annotated[str, Field(description="id of a document")],
        clusters: InClusters = [],  # noqa: B006
        limit: Limit = 10,
        characters: Characters = 300,
    ) -> DocumentsAnswer:
        """Find the documents nearest in meaning to one of them, itself first, by cosine (-1 to 1)."""
        (row,) = rows_of_ids(self._session.workspace, [id])
        vector = np.asarray(self._session.workspace.embeddings[row])
        return self._search(Filter(clusters=tuple(clusters)), vector, limit, characters)

    def _search(self, criteria: Filter, near: Float32 | None, limit: int, characters: int) -> DocumentsAnswer:
        session, taxonomy = self._session, self._session.taxonomy
        for number in criteria.clusters:
            taxonomy.cluster(number)  # An unknown number is refused, not ignored.
        selection = select(session.workspace, taxonomy, criteria, near=near, limit=limit)
        cosine = None if selection.cosine is None else selection.cosine[:limit]
        lines = document_rows(session, selection.rows[:limit].tolist(), characters=characters, cosine=cosine)
        return DocumentsAnswer(taxonomy_key=taxonomy.key, matches=len(selection), documents=lines)
