"""A small corpus that attacks the page it is shown on: markup, links, control characters, one long line."""

from pathlib import Path

import numpy as np
import pandas as pd

from gem_core.corpus import Columns
from gem_core.geometry import sample_vmf
from gem_core.pipeline import Exclude, Regroup, Rename, Source, build, edit, ensure_path
from gem_core.workspace import Settings, Workspace

ATTACKS = [
    "</script><script>window.hacked = 1; alert(1)</script>",
    '<img src=x onerror="window.hacked = 1"> <svg onload=alert(1)>',
    "![picture](http://evil.example/pixel.png) [link](javascript:alert(1))",
    '<a href="javascript:window.hacked=1">click</a><iframe src=//evil.example></iframe>',
    "<style>@import 'http://evil.example/x.css';</style><link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'><base href=http://evil.example/>",
    "<b>bold</b><br>%{customdata[0]}<extra></extra> {{ 7 * 7 }} {% raw %} ${7*7} `x`",
    "--><!--<plaintext> ]]> <textarea> \u2028\u2029 \u202egnp.exe \x00\x07\x1b[31m \ufeff",
    '=HYPERLINK("http://evil.example","x") +1+1 @SUM(1) "quoted" \'single\' \\ \\u003c',
    "A" * 1_000_000,
]


def hostile_workspace(root: Path, n: int = 240, clusters: int = 6) -> Workspace:
    """Build a workspace whose ids, texts, labels, groups, keywords and name are hostile."""
    rng = np.random.default_rng(5)
    root.mkdir(parents=True)
    centres = np.linalg.qr(rng.normal(size=(24, clusters)))[0].T
    subject = np.arange(n) % clusters
    words = [
        "oven",
        "flour",
        "river",
        "delta",
        "piston",
        "torque",
        "galaxy",
        "comet",
        "ledger",
        "invoice",
        "violin",
        "chorus",
    ]
    texts = [
        f"{ATTACKS[i % len(ATTACKS)]} {' '.join(rng.permutation(words[2 * s : 2 * s + 2] * 6))} {i}"
        for i, s in enumerate(subject)
    ]
    table = pd.DataFrame(
        {
            "id": [f"<i>{i}</i>\u202e&\"'</script>" for i in range(n)],
            "text": texts,
            "topic</script>": [f"<u>{s}</u>" for s in subject],
        }
    )
    vectors = np.concatenate([sample_vmf(centres[s], 60.0, 1, rng) for s in subject]).astype(np.float32)
    table.to_parquet(root / "corpus.parquet")
    np.save(root / "vectors.npy", vectors)
    source = Source(
        root / "corpus.parquet",
        columns=Columns(text="text", id="id", label="topic</script>", tokens=None, weight=None),
        vectors=root / "vectors.npy",
        name="</title><script>alert('name')</script> & co",
    )
    build(source, root / "workspace", Settings(n_clusters=clusters, strength=1.0))
    workspace = Workspace(root / "workspace")
    ensure_path(workspace)
    numbers = [c.number for c in workspace.taxonomy().clusters]
    edit(
        workspace,
        Rename("cluster", numbers[0], "</script ><img src=x onerror=alert(1)>"),
        Rename("cluster", numbers[1], "[x](javascript:alert(1)) ![y](http://evil.example/y.png)"),
    )
    edit(workspace, Rename("parent", workspace.taxonomy().groups[0].number, "<script>alert('group')</script>"))
    edit(workspace, Regroup(numbers[2], None))
    edit(workspace, Exclude((numbers[3],)))
    return workspace
