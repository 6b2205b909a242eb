"""Words that say little about a cluster even where they are typical of it, and phrases that are names of persons."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64

_UNITS = """
mln bln mil bn tn cts ct shr shrs dlr dlrs pct usd eur gbp qtr qtly yr yrs avg approx est vol net oper revs
km kms kph kmh mph cm mm nm ft sq lb lbs oz kg kgs mg ml gal tsp tsps tbsp tbsps cup cups hr hrs min mins sec secs
gmt est edt cst pst utc kb mb gb tb mhz ghz kw kwh mw volts degrees percent pp ed eds fig figs eq eqs no nos et al
"""
_FILLER = """
type types kind kinds sort sorts work works worked working term terms vary varies varied define defined defines total
totals people person persons help helps helped helping stuff lot example examples number numbers different various
general common commonly article articles text texts page pages section sections item items line lines case cases part
parts form forms list lists name names named result results point points problem problems fact facts idea ideas reason
reasons question questions answer answers word words set sets user users default defaults value values enjoy offer
offers working build beautiful distinction interchangeably object objects amount amounts order level levels area areas
"""
_NARRATION = """
sat sit sits stood stand stands rang ring cried cry cries wept laughed laugh smiled smile nodded nod whispered shouted
replied answered walked walk ran run turned stared stare glanced sighed sigh gazed paused rose leaned
eyes face hands head voice moved badly wrong
"""
_CODE = """
const def np pd plt nx fn func fun elif else var vars int ints str bool void null nil none true false return returns
import imports export exports struct enum impl async await println printf sizeof typedef namespace stdlib std param
params arg args kwargs opt opts obj ptr tmp foo bar baz idx len env eval init js py cpp lib libs src dev sub subs stmt
self cls synopsis usr bin sudo chmod stdout stderr stdin boolean integer string strings
"""
_MAIL = """
wrote writes edu subject sender cc bcc fwd nntp posting host organization unsubscribe regards sincerely
"""
#: Units, table headings, filler, verbs of narration, tokens of code and headers of mails, in lower case.
WEAK_WORDS: frozenset[str] = frozenset(" ".join((_UNITS, _FILLER, _NARRATION, _CODE, _MAIL)).split())

WEAK = 0.5  # taken off the relevance (0 to 1) of a weak word: what stands beside it comes first
NAME = 0.5  # taken off that of a person's name
ODD = 0.3  # taken off that of a phrase in few documents
FEW = 0.02  # of the cluster's documents
_DIGITS = re.compile(r"\d")


def is_weak(phrase: str) -> bool:
    """Return whether every word of a phrase is weak, or has a digit and at most four characters (30pm, x11).

    Examples
    --------
    >>> [is_weak(phrase) for phrase in ("mln", "cts shr", "30pm", "oil", "working memory")]
    [True, True, True, False, False]
    """
    words = phrase.lower().split()
    return all(word in WEAK_WORDS or (bool(_DIGITS.search(word)) and len(word) <= 4) for word in words)


def find_person_names(names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which phrases look like names of persons: two capitalized words, neither of them used in lower case.

    "John Kerry" is one; "Red Sox" is none, for the corpus knows "red". Names of places and teams whose words have no
    other use look alike.

    Parameters
    ----------
    names : sequence of T str
        All phrases of a corpus, as they are mostly written.

    Returns
    -------
    (T,) bool

    Examples
    --------
    >>> find_person_names(["red", "Red Sox", "John Kerry", "machine learning"]).tolist()
    [False, False, True, False]
    """
    lower = {name for name in names if name == name.lower()}
    is_person = np.zeros(len(names), dtype=bool)
    for index, name in enumerate(names):
        words = name.split(" ")
        is_person[index] = len(words) == 2 and all(
            word[:1].isupper() and word[1:].islower() and word.lower() not in lower for word in words
        )
    return is_person


def measure_weakness(weak: NDArray[np.bool_], person: NDArray[np.bool_], document_counts: Float64) -> Float64:
    """Return the penalty on the relevance of some phrases.

    Parameters
    ----------
    weak, person : (P,) bool
        From `is_weak` and `find_person_names`.
    document_counts : (P,) float
        Part of the cluster's documents that hold the phrase.
    """
    return np.asarray(WEAK * weak + NAME * person + ODD * (document_counts < FEW), dtype=np.float64)
