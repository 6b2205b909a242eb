"""Names for results: a hash of everything that decides a result, so that equal work is found again on disk."""

import hashlib
import json
from typing import Any


def content_key(value: Any, digits: int = 16) -> str:
    """Return the first hex digits of the sha256 of a value as JSON with sorted keys.

    Parameters
    ----------
    value : JSON value
        Everything that decides the result: settings, seeds, hashes of data, versions.
    digits : int
        1 to 64.

    Raises
    ------
    TypeError
        If the value holds what JSON cannot, such as a Path.

    Examples
    --------
    >>> content_key({"seed": 0, "k": 24}) == content_key({"k": 24, "seed": 0})
    True
    >>> content_key(["k-means", 24]), len(content_key([], 64))
    ('2d9381d5ce87b568', 64)
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:digits]
