"""A corpus that attacks whoever shows it, in every place where a corpus has text: documents, ids, columns, names.

Whatever runs sets ``window.__pwned``; whatever is fetched asks for a host under ``evil.example`` or for ``/pwned``.
"""

import json
from pathlib import Path

import numpy as np

from gem_core.corpus import Columns
from gem_core.errors import GemError
from gem_core.geometry import sample_vmf
from gem_core.pipeline import Rename, Source, build, edit
from gem_core.workspace import Settings, Workspace

RUN = "window.__pwned=1"
HOST = "evil.example"
TRAPS = (
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"</textarea></title></style></noscript><img src=/pwned onerror={RUN}>",
    f"<svg onload={RUN}><iframe src=javascript:{RUN}></iframe>",
    f"<img src=http://{HOST}/pixel.png onerror={RUN}>",
    f"![picture](http://{HOST}/md.png) ![b](/pwned)",
    f"[press me](javascript:{RUN}) <javascript:{RUN}>",
    f"<a href='javascript:{RUN}'>press</a><b>fat</b><br><sup>up</sup>",
    f"<style>@import url(//{HOST}/x.css)</style><link rel=stylesheet href=//{HOST}/y.css>",
    f"%{{x}} %{{customdata[0]}} %{{fullData.name}}<extra>{HOST}</extra>",
    "$\\frac{1}{2}$ $$\\href{javascript:alert(1)}{x}$$ :red[no] :material/delete: :blue-badge[no]",
    f'=HYPERLINK("http://{HOST}","press")',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
    " =1+1",
    "\x00\x01\x07\x08\x1b[31mred\x7f\x85\u2028\u2029\ufeff\u200b",
    "\u202eevil\u202c \u2066left\u2069 \u200f\u061c",
    "Z\u0351\u0363\u0357\u0329a\u0334\u0321\u034dl\u0337\u0322g\u0336\u031bo" * 8,
    "{{7*7}} ${7*7} #{7*7} %s %n {0} \\u003cscript\\u003e",
    '"}]};' + RUN + "//",
    "';" + RUN + "//",
    "`;" + RUN + "//",
    "-->",
    "]]>",
    "*/",
    "<!--",
    "../../../etc/passwd",
    "__proto__",
    "constructor",
    "NaN",
    "null",
    "-inf",
    "1e999",
)
COLUMNS = {
    f"<img src=/pwned onerror={RUN}>": 5,
    f"![c](http://{HOST}/column.png)": 3,
    "=1+1": 4,
    "__proto__": 2,
    f"</script><script>{RUN}</script>": 6,
    "a\nb\x1b[31m": 2,
    "%{x}<br>": 3,
    ":red[x] $x$": 2,
}
NAME = f"<img src=/pwned onerror={RUN}> ![n](http://{HOST}/name.png) **x** =1+1"
LONG_LINE = 1_000_000
SUBJECTS = 6


def hostile_corpus(folder: Path) -> tuple[Path, Path]:
    """Write the corpus and its vectors; return both paths."""
    rng = np.random.default_rng(0)
    centres = np.linalg.qr(rng.normal(size=(16, SUBJECTS)))[0].T
    rows, vectors = [], []
    for i in range(4 * len(TRAPS)):
        trap, subject = TRAPS[i % len(TRAPS)], i % SUBJECTS
        text = " ".join([trap, f"subject{subject} word{i % 7}", trap, *(TRAPS[(i + k) % len(TRAPS)] for k in (1, 5))])
        rows.append(
            {
                "id": f"{trap} {i}",
                "text": text,
                "label": TRAPS[(i % 5) + 2],
                **{name: TRAPS[(i % values) * 3] for name, values in COLUMNS.items()},
            }
        )
        vectors.append(sample_vmf(centres[subject], 60.0, 1, rng)[0])
    rows[7]["text"] = f"<script>{RUN}</script> one line of a million letters and no space " + "a" * LONG_LINE
    rows[8]["text"] = "word " * (LONG_LINE // 5) + f"![end](http://{HOST}/end.png)"
    rows[9]["text"] = f"<b>{RUN}</b>\n" * 5000
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"<img src=x onerror={RUN}> =1+1.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    np.save(folder / "vectors.npy", np.asarray(vectors, dtype=np.float32))
    return path, folder / "vectors.npy"


def hostile_workspace(folder: Path) -> Workspace:
    """Build a workspace from the corpus and give its clusters and groups the traps that a name may hold."""
    path, vectors = hostile_corpus(folder / "source")
    columns = Columns(text="text", id="id", label="label", tokens=None, weight=None)
    taxonomy = build(
        Source(path, columns=columns, vectors=vectors, name=NAME),
        folder / "workspace",
        Settings(n_clusters=18, strength=1.0),
    )
    workspace = Workspace(folder / "workspace")
    items = [("cluster", c.number) for c in taxonomy.clusters] + [("parent", p.number) for p in taxonomy.groups]
    row = 0
    for trap in TRAPS:
        if row == len(items):
            break
        try:
            edit(workspace, Rename(*items[row], trap))
            row += 1
        except GemError:  # a name that is refused cannot hurt
            continue
    return workspace
