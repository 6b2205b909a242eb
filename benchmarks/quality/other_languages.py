"""Keywords and labels of manual pages in Japanese, Chinese, German and Spanish: which are fragments or function words?

The manual pages come from Debian's packages (manpages-ja, -zh, -de, -es), unpacked into one folder each. A page is one
document (its roff commands taken out, the first 2,500 characters). Vectors are TF-IDF over character triples, reduced
to 64 dimensions: no encoder is needed, and the question is only how names are made. Counted over all clusters:

- function words: keywords, and first words of labels, in the list of the language;
- fragments: keywords with a piece that never stands between two breaks or blanks in the corpus (scripts with blanks),
  or that `icu` does not cut out as words (Japanese, Chinese).

    apt-get download manpages-ja && dpkg-deb -x manpages-ja*.deb ja
    python -m benchmarks.quality.other_languages ja=FOLDER zh=FOLDER de=FOLDER es=FOLDER
"""

import gzip
import re
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from gem_core.clustering import MixtureConfig, assign, fit_mixture
from gem_core.influence import influence_scores
from gem_core.taxonomy import cluster_keywords, cluster_labels, count_terms
from gem_core.taxonomy.stopwords import STOP_WORDS
from gem_core.taxonomy.word_splitter import split_text

CLUSTERS, PAGES, CHARACTERS = 12, 400, 2500
_ROFF = re.compile(r"^[.'].{0,3}(?:\\\".*|[^\W\d_]*)?", re.MULTILINE)
_ESCAPES = re.compile(r"\\(?:f[BIRP]|f\(..|\[[^\]]*\]|\(..|[-&|^e])")


def read_pages(folder: Path) -> list[str]:
    """Return the texts of the manual pages below a folder, without roff commands."""
    texts = []
    for path in sorted(folder.rglob("man*/*.gz")):
        raw = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        text = " ".join(_ESCAPES.sub("", _ROFF.sub(" ", raw)).split(" "))
        if len(text) > 500:
            texts.append(text[:CHARACTERS])
    step = max(1, len(texts) // PAGES)
    return texts[::step][:PAGES]


def main() -> None:
    print(time.strftime("%Y-%m-%d"), f"{CLUSTERS} clusters, at most {PAGES} pages, {CHARACTERS} characters")
    for argument in sys.argv[1:]:
        language, folder = argument.split("=", 1)
        texts = read_pages(Path(folder))
        table = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), max_features=20_000, sublinear_tf=True)
        X = TruncatedSVD(64, random_state=0).fit_transform(table.fit_transform(texts)).astype(np.float32)
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        fit = fit_mixture(X, MixtureConfig(n_clusters=CLUSTERS, seed=0))
        assignment = assign(X, fit)
        gis = influence_scores(X, assignment, n_clusters=CLUSTERS).gis
        words = cluster_keywords(count_terms(texts), X, assignment.labels, gis, fit.centers)
        labels = cluster_labels(words)
        # Every word of the corpus as the splitter cuts it: a keyword made of anything else is a fragment.
        tokens = {token.casefold() for text in texts for token in split_text(text)}
        keywords = [word.term for row in words for word in row]
        function = [w for w in keywords if w.casefold() in STOP_WORDS]
        leading = [label for label in labels if label.split(",")[0].split()[0].casefold() in STOP_WORDS]
        broken = [w for w in keywords if any(p.casefold() not in tokens for p in w.split())]
        print(f"\n{language}: {len(texts)} pages, {len(keywords)} keywords")
        print(f"  function words {len(function)} {function[:5]}, leading a label {len(leading)}")
        print(f"  pieces that are no word of the corpus {len(broken)} {broken[:8]}")
        for label, row in zip(labels, words, strict=True):
            print(f"  {label}  |  {', '.join(word.term for word in row[3:])}")


if __name__ == "__main__":
    main()
