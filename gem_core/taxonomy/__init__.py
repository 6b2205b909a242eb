"""Names, keywords, tree and colors of clusters."""

from gem_core.taxonomy.colors import cluster_colors, group_colors
from gem_core.taxonomy.keywords import Keyword, cluster_keywords, typicality_weights
from gem_core.taxonomy.labels import cluster_labels
from gem_core.taxonomy.oklch import color_distance, contrast, hex_to_oklch, oklch_to_hex
from gem_core.taxonomy.phrases import Terms, count_terms
from gem_core.taxonomy.tree import Tree, TreeGroup, build_tree, group_names

__all__ = [
    "Keyword",
    "Terms",
    "Tree",
    "TreeGroup",
    "build_tree",
    "cluster_colors",
    "cluster_keywords",
    "cluster_labels",
    "color_distance",
    "contrast",
    "count_terms",
    "group_colors",
    "group_names",
    "hex_to_oklch",
    "oklch_to_hex",
    "typicality_weights",
]
