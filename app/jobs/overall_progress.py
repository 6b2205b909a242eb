"""One percentage for a whole job, from the step that it reports and how much of it is done."""

# Parts of the time of each command by its steps, in their order, measured on the sample and on 24,000 documents.
# A step that a command leaves out (embedding, where vectors are given) is passed over at once.
STEP_WEIGHTS: dict[str, tuple[tuple[str, float], ...]] = {
    "fit": (
        ("read", 2),
        ("count tokens", 4),
        ("load encoder", 2),
        ("embed", 60),
        ("Counting phrases", 6),
        ("index text", 4),
        ("neighbors", 3),
        ("layout", 4),
        ("flat map", 1),
        ("seed", 2),
        ("fit", 4),
        ("assign", 1),
        ("score documents", 1),
        ("name clusters", 3),
        ("path", 3),
    ),
    "distill": (
        ("split the documents", 5),
        ("Counting words", 25),
        ("Teaching the student", 60),
        ("test the student", 10),
    ),
    "add": (
        ("read", 4),
        ("count tokens", 4),
        ("load encoder", 4),
        ("embed", 40),
        ("place on the map", 3),
        ("Counting phrases", 20),
        ("extend taxonomies", 25),
    ),
    "path": (("seed", 8), ("path", 92)),
    "assign": (("read", 10), ("count tokens", 10), ("load encoder", 10), ("embed", 60), ("assign", 10)),
    "estimate": (("read", 40), ("count tokens", 30), ("load encoder", 10), ("measure the encoder", 20)),
}
STEP_WEIGHTS["embed"] = STEP_WEIGHTS["fit"]


_highest: dict[str, float] = {}  # by job: a step that runs twice must not move the bar back


def overall_share(kind: str, step: str, share: float, job: str = "") -> float:
    """Return the part of a whole job that is done, 0 to 1.

    Parameters
    ----------
    kind : str
        The command: fit, embed, distill, ...
    step : str
        Its present step. For a command or a step without weights the result is `share`.
    share : float
        Part of that step that is done, 0 to 1.
    job : str, optional
        Name of the job; its result never falls.

    Examples
    --------
    >>> [round(overall_share("fit", step, share), 2) for step, share in (("read", 0), ("embed", 0.5), ("path", 1))]
    [0.0, 0.38, 1.0]
    """
    weights = STEP_WEIGHTS.get(kind, ())
    before = 0.0
    for name, weight in weights:
        if name == step:
            overall = (before + weight * share) / sum(weight for _, weight in weights)
            if job:
                overall = _highest[job] = max(overall, _highest.get(job, 0.0))
            return overall
        before += weight
    return share
