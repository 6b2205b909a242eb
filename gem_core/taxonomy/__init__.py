"""Names, keywords, tree and colours of clusters."""

from gem_core.taxonomy.colors import cluster_colours, parent_colours
from gem_core.taxonomy.keywords import Keyword, cluster_keywords, typicality_weights
from gem_core.taxonomy.labels import cluster_labels
from gem_core.taxonomy.oklch import colour_distance, contrast, hex_to_oklch, oklch_to_hex
from gem_core.taxonomy.phrases import Terms, count_terms
from gem_core.taxonomy.tree import Parent, Tree, build_tree, parent_names

__all__ = [
    "Keyword",
    "Parent",
    "Terms",
    "Tree",
    "build_tree",
    "cluster_colours",
    "cluster_keywords",
    "cluster_labels",
    "colour_distance",
    "contrast",
    "count_terms",
    "hex_to_oklch",
    "oklch_to_hex",
    "parent_colours",
    "parent_names",
    "typicality_weights",
]
