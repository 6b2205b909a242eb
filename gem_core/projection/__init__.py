"""Layout of the documents on the unit sphere and its flat map; stable under refits."""

from gem_core.projection.flat import equal_earth
from gem_core.projection.map_quality import trustworthiness
from gem_core.projection.placement import place_beside_neighbors
from gem_core.projection.spherical import Layout, layout

__all__ = ["Layout", "equal_earth", "layout", "place_beside_neighbors", "trustworthiness"]
