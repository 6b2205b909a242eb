"""The hot pass of the layout: t-SNE forces between points on a sphere, compiled.

One thread on purpose: an epoch of 24,000 documents takes some milliseconds, and on a busy machine waiting for the
second thread took longer than the work (benchmarks/LOG.md). It also makes the result exactly repeatable.
"""

# mypy: allow-untyped-defs, allow-incomplete-defs, no-check-untyped-defs
# (numba finds the types of compiled functions)

import numpy as np

from gem_core._machine_code import compiled

ONE, ZERO = np.float32(1.0), np.float32(0.0)
LONGEST = np.float32(0.3)  # step on the unit sphere, about 17 degrees


@compiled(fastmath=True)
def gather(points, landmarks, start, neighbor, affinity, attraction, repulsion, kernel_sum):
    """Sum for every point q = 1 / (1 + chord^2) and the forces: attraction over edges, repulsion over landmarks."""
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        total, fx, fy, fz = ZERO, ZERO, ZERO, ZERO
        for j in range(landmarks.shape[1]):
            dx, dy, dz = x - landmarks[0, j], y - landmarks[1, j], z - landmarks[2, j]
            q = ONE / (ONE + dx * dx + dy * dy + dz * dz)
            square = q * q
            total += q
            fx += square * dx
            fy += square * dy
            fz += square * dz
        kernel_sum[i] = total
        repulsion[i, 0], repulsion[i, 1], repulsion[i, 2] = fx, fy, fz
        fx, fy, fz = ZERO, ZERO, ZERO
        for edge in range(start[i], start[i + 1]):
            j = neighbor[edge]
            dx, dy, dz = x - points[j, 0], y - points[j, 1], z - points[j, 2]
            q = affinity[edge] / (ONE + dx * dx + dy * dy + dz * dz)
            fx += q * dx
            fy += q * dy
            fz += q * dz
        attraction[i, 0], attraction[i, 1], attraction[i, 2] = fx, fy, fz


@compiled()
def move(unit, velocity, attraction, repulsion, pull, push, momentum):
    """Take one step with momentum in the tangent plane of the unit sphere and return to the sphere.

    Written number by number: operations on rows as arrays take numba ten times as long to compile.
    """
    for i in range(unit.shape[0]):
        x, y, z = unit[i, 0], unit[i, 1], unit[i, 2]
        vx = momentum * velocity[i, 0] - pull * attraction[i, 0] + push * repulsion[i, 0]
        vy = momentum * velocity[i, 1] - pull * attraction[i, 1] + push * repulsion[i, 1]
        vz = momentum * velocity[i, 2] - pull * attraction[i, 2] + push * repulsion[i, 2]
        outward = vx * x + vy * y + vz * z
        vx, vy, vz = vx - outward * x, vy - outward * y, vz - outward * z
        length = np.sqrt(vx * vx + vy * vy + vz * vz)
        # No point may fly further than LONGEST in one step.
        if length > LONGEST:
            factor = LONGEST / length
            vx, vy, vz = vx * factor, vy * factor, vz * factor
        x, y, z = x + vx, y + vy, z + vz
        norm = np.sqrt(x * x + y * y + z * z)
        x, y, z = x / norm, y / norm, z / norm
        outward = vx * x + vy * y + vz * z
        unit[i, 0], unit[i, 1], unit[i, 2] = x, y, z
        velocity[i, 0], velocity[i, 1], velocity[i, 2] = vx - outward * x, vy - outward * y, vz - outward * z
