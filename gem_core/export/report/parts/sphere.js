// The globe, the flat map made from it (Equal Earth), and every step between the two: t runs from 0 to 1.

const WIDE = 2.70663,
  TALL = 1.31736; // half the width and height of the flat map in its own units

// Šavrič, Patterson & Jenny 2019; the map's half width becomes 1
function equalEarth(lon, lat) {
  const theta = Math.asin(0.8660254 * Math.sin(lat)),
    s = theta * theta,
    c = s * s * s;
  const slope = 1.340264 - 0.243318 * s + c * (0.006251 + 0.034164 * s);
  return [
    (2 * Math.sqrt(3) * lon * Math.cos(theta)) / (3 * slope) / WIDE,
    (theta * (1.340264 - 0.081106 * s + c * (0.000893 + 0.003796 * s))) / WIDE,
  ];
}

function direction(lon, lat) {
  return [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
}

function lonLat(v) {
  return [Math.atan2(v[1], v[0]), Math.asin(Math.max(-1, Math.min(1, v[2])))];
}

// Positions as sent: 16-bit longitude and latitude, little-endian, as base64
function unpackSphere(text) {
  const raw = atob(text),
    n = raw.length / 4,
    xyz = new Float32Array(3 * n),
    flat = new Float32Array(2 * n);
  const level = (k) => ((raw.charCodeAt(k) | (raw.charCodeAt(k + 1) << 8)) << 16) >> 16;
  for (let i = 0; i < n; i++) {
    const lon = (level(4 * i) / 65535) * 2 * Math.PI,
      lat = (level(4 * i + 2) / 65535) * Math.PI;
    xyz.set(direction(lon, lat), 3 * i);
    flat.set(equalEarth(lon, lat), 2 * i);
  }
  return { n, xyz, flat };
}

// Rows of the rotation that brings longitude yaw and latitude pitch to the front, the pole upwards
function rotation(yaw, pitch) {
  const cy = Math.cos(yaw),
    sy = Math.sin(yaw),
    cp = Math.cos(pitch),
    sp = Math.sin(pitch);
  return [-sy, cy, 0, -sp * cy, -sp * sy, cp, cp * cy, cp * sy, sp];
}

// Where one place stands: [x, y, depth]; `f` is a frame of the map (see `frame` in map.js)
function standing(f, v, e) {
  const { m, t, cx, cy, r, fx, fy, s } = f;
  const z = m[6] * v[0] + m[7] * v[1] + m[8] * v[2];
  return [
    (1 - t) * (cx + r * (m[0] * v[0] + m[1] * v[1] + m[2] * v[2])) + t * (fx + s * e[0]),
    (1 - t) * (cy - r * (m[3] * v[0] + m[4] * v[1] + m[5] * v[2])) + t * (fy - s * e[1]),
    (1 - t) * z + t,
  ];
}

function standingAll(f, cloud, sx, sy, sz) {
  const { m, t, cx, cy, r, fx, fy, s } = f,
    { n, xyz, flat } = cloud,
    u = 1 - t;
  for (let i = 0, j = 0, k = 0; i < n; i++, j += 3, k += 2) {
    const x = xyz[j],
      y = xyz[j + 1],
      z = xyz[j + 2];
    sx[i] = u * (cx + r * (m[0] * x + m[1] * y + m[2] * z)) + t * (fx + s * flat[k]);
    sy[i] = u * (cy - r * (m[3] * x + m[4] * y + m[5] * z)) + t * (fy - s * flat[k + 1]);
    sz[i] = u * (m[6] * x + m[7] * y + m[8] * z) + t;
  }
}

// Meridians and parallels every 30 degrees, each a list of [direction, place on the flat map]
function flatGraticule() {
  const rad = Math.PI / 180,
    place = (lon, lat) => [direction(lon * rad, lat * rad), equalEarth(lon * rad, lat * rad)];
  const lines = [];
  for (let lon = -180; lon < 180; lon += 30) lines.push(Array.from({ length: 55 }, (_, i) => place(lon, -81 + 3 * i)));
  for (let lat = -60; lat <= 60; lat += 30) lines.push(Array.from({ length: 121 }, (_, i) => place(-180 + 3 * i, lat)));
  return lines;
}

// Outline of the flat map
function outline() {
  const rad = Math.PI / 180,
    points = [];
  for (let lat = -90; lat <= 90; lat += 3) points.push(equalEarth(Math.PI, lat * rad));
  for (let lat = 90; lat >= -90; lat -= 3) points.push(equalEarth(-Math.PI, lat * rad));
  return points;
}
