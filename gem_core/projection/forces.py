"""The hot pass of the layout: t-SNE forces between points on a sphere, compiled."""

from functools import cache
from typing import Any


@cache
def compiled() -> tuple[Any, Any]:
    """Compile and return (gather, move); a few seconds, once a process.

    One thread on purpose: an epoch of 24,000 documents takes some milliseconds, and on a busy machine waiting for
    the second thread took longer than the work (benchmarks/LOG.md). It also makes the result exactly repeatable.
    """
    import numba
    import numpy as np

    one, zero, longest = np.float32(1.0), np.float32(0.0), np.float32(0.3)

    @numba.njit(fastmath=True, nogil=True)
    def gather(points, landmarks, start, neighbor, affinity, attraction, repulsion, kernel_sum):  # type: ignore[no-untyped-def]
        """Sum for every point q = 1 / (1 + chord^2) and the forces: attraction over edges, repulsion over landmarks."""
        for i in range(points.shape[0]):
            x, y, z = points[i, 0], points[i, 1], points[i, 2]
            total, fx, fy, fz = zero, zero, zero, zero
            for j in range(landmarks.shape[1]):
                dx, dy, dz = x - landmarks[0, j], y - landmarks[1, j], z - landmarks[2, j]
                q = one / (one + dx * dx + dy * dy + dz * dz)
                square = q * q
                total += q
                fx += square * dx
                fy += square * dy
                fz += square * dz
            kernel_sum[i] = total
            repulsion[i, 0], repulsion[i, 1], repulsion[i, 2] = fx, fy, fz
            fx, fy, fz = zero, zero, zero
            for edge in range(start[i], start[i + 1]):
                j = neighbor[edge]
                dx, dy, dz = x - points[j, 0], y - points[j, 1], z - points[j, 2]
                q = affinity[edge] / (one + dx * dx + dy * dy + dz * dz)
                fx += q * dx
                fy += q * dy
                fz += q * dz
            attraction[i, 0], attraction[i, 1], attraction[i, 2] = fx, fy, fz

    @numba.njit(nogil=True)
    def move(unit, velocity, attraction, repulsion, pull, push, momentum):  # type: ignore[no-untyped-def]
        """Take one step with momentum in the tangent plane of the unit sphere and return to the sphere."""
        for i in range(unit.shape[0]):
            p = unit[i].copy()
            v = momentum * velocity[i] - pull * attraction[i] + push * repulsion[i]
            v -= (v[0] * p[0] + v[1] * p[1] + v[2] * p[2]) * p
            length = np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
            # No point may fly further than about 17 degrees in one step.
            if length > longest:
                v *= longest / length
            p += v
            p /= np.sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2])
            unit[i] = p
            velocity[i] = v - (v[0] * p[0] + v[1] * p[1] + v[2] * p[2]) * p

    return gather, move
