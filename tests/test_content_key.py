"""One name for equal work: the keys of workspaces made before stay the same."""

import pytest

from gem_core._content_key import content_key


def test_keys_of_earlier_versions_stay() -> None:
    # Written by 0.2.0 (study_key and run keys): folders of old workspaces are found again.
    assert content_key(["k-means", 24]) == "2d9381d5ce87b568"
    assert content_key({"b": [1, 2.5], "a": None}, 20) == "6b1d84977084473f4b3b"


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError):
        content_key({1, 2})
