// The map: documents on a globe or flat. It knows what is selected and pointed at, and draws when something changed.

const LINES = flatGraticule(),
  EDGE = outline();

class DocumentMap extends MapMotion {
  constructor(root, data, onPick) {
    super();
    this.root = root;
    this.onPick = onPick;
    this.canvas = root.querySelector("canvas");
    this.ctx = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.cloud = unpackSphere(data.points.sphere);
    const n = this.cloud.n;
    this.sx = new Float32Array(n);
    this.sy = new Float32Array(n);
    this.sz = new Float32Array(n);
    this.group = new Uint16Array(n);
    this.starts = [];
    let first = 0;
    data.points.counts.forEach((count, index) => {
      this.starts.push(first);
      this.group.fill(index, first, first + count);
      first += count;
    });
    this.clusters = data.clusters.map((c, index) => ({
      ...c,
      index,
      pixel: parseHex(c.color),
      at: data.points.anchors[index],
      flat: equalEarth(...lonLat(data.points.anchors[index])),
      points: data.points.counts[index],
      box: null,
    }));
    this.order = this.mixed(n);
    this.clear = new Float32Array(this.clusters.length).fill(256);
    this.selected = -1;
    this.pointed = -1;
    this.hover = -1;
    this.highlighted = -1;
    this.home = this.start();
    this.camera = { ...this.home };
    this.t = 0;
    this.view = 0;
    this.motion = null;
    this.touched = false;
    this.began = 0;
    this.raf = 0;
    this.last = 0;
    this.rough = false;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.seen = true;
    new ResizeObserver(() => {
      this.measure();
      this.later();
    }).observe(this.canvas);
    new IntersectionObserver((e) => {
      this.seen = e[e.length - 1].isIntersecting;
      this.later();
    }).observe(this.canvas);
    this.dress();
    this.measure();
  }

  // Documents come cluster by cluster; drawn in that order the last cluster would lie on top of all others.
  mixed(n) {
    let step = Math.max(1, Math.round(n * 0.618));
    const common = (a, b) => (b ? common(b, a % b) : a);
    while (n && common(step, n) > 1) step++;
    return Int32Array.from({ length: n }, (_, i) => Number((BigInt(i) * BigInt(step)) % BigInt(n)));
  }

  start() {
    const sum = [0, 0, 0];
    for (const c of this.clusters) for (let k = 0; k < 3; k++) sum[k] += c.at[k] * Math.sqrt(c.points);
    const [yaw, pitch] = lonLat(Math.hypot(...sum) > 1e-9 ? sum.map((v) => v / Math.hypot(...sum)) : [1, 0, 0]);
    return { yaw, pitch: Math.max(-0.5, Math.min(0.5, pitch)), zoom: 1, x: 0, y: 0, flatZoom: 1 };
  }

  dress() {
    const style = getComputedStyle(document.documentElement),
      get = (name) => style.getPropertyValue(`--${name}`).trim();
    this.theme = Object.fromEntries(
      ["page", "text", "quiet", "ball", "shade", "rim", "glow", "grid", "accent"].map((k) => [k, get(k)]),
    );
    this.theme.font = getComputedStyle(document.body).fontFamily;
    this.theme.dim = get("dim") * 256;
    this.ballKey = "";
    for (const c of this.clusters) c.key = "";
  }

  measure() {
    const c = this.canvas,
      w = c.clientWidth,
      h = c.clientHeight;
    if (!w || !h) return;
    const fine = Math.min(window.devicePixelRatio || 1, 2.5),
      dpr = this.rough ? Math.max(1, fine * 0.6) : fine;
    const W = Math.round(w * dpr),
      H = Math.round(h * dpr);
    if (c.width !== W || c.height !== H) {
      c.width = W;
      c.height = H;
      this.ballKey = "";
    }
    this.dpr = W / w;
    for (const each of this.clusters) each.key = "";
  }

  // Everything that says where things stand in this frame
  frame() {
    const { width: w, height: h } = this.canvas,
      k = this.camera,
      base = Math.min(w, h) * 0.455;
    const s = Math.min(w * 0.485, (h * 0.47 * WIDE) / TALL) * k.flatZoom,
      e = this.t;
    return {
      m: rotation(k.yaw, k.pitch),
      t: e * e * (3 - 2 * e),
      cx: w / 2,
      cy: h / 2,
      r: base * k.zoom,
      fx: w / 2 + k.x * s,
      fy: h / 2 + k.y * s,
      s,
    };
  }

  // ---- drawing -----------------------------------------------------------------------------------------------------
  draw() {
    const start = performance.now(),
      { ctx, canvas } = this,
      w = canvas.width,
      h = canvas.height;
    if (!w || !h) return 0;
    const f = this.frame();
    this.ground(f, w, h);
    standingAll(f, this.cloud, this.sx, this.sy, this.sz);
    const image = ctx.getImageData(0, 0, w, h);
    this.points(new Int32Array(image.data.buffer), w, h, f);
    ctx.putImageData(image, 0, 0);
    this.rings();
    drawLabels(this, f);
    const cost = performance.now() - start,
      d = canvas.dataset;
    Object.assign(d, {
      points: this.cloud.n,
      frame: cost.toFixed(1),
      view: this.t === 0 ? "globe" : this.t === 1 ? "flat" : "between",
      yaw: this.camera.yaw.toFixed(5),
      pitch: this.camera.pitch.toFixed(5),
      radius: (f.r / this.dpr).toFixed(2),
      selected: this.selected < 0 ? "" : this.clusters[this.selected].number,
      point: this.hover < 0 ? "" : this.hover,
      hover: this.pointed < 0 ? "" : this.clusters[this.pointed].number,
      theme: this.theme.page,
    });
    return cost;
  }

  ground(f, w, h) {
    const { ctx, theme } = this;
    ctx.globalAlpha = 1;
    ctx.fillStyle = theme.page;
    ctx.fillRect(0, 0, w, h);
    if (f.t < 1) {
      const key = `${w} ${h} ${f.r} ${theme.page}`;
      if (key !== this.ballKey) {
        this.ball = this.makeBall(f, w, h);
        this.ballKey = key;
      }
      ctx.globalAlpha = 1 - f.t;
      ctx.drawImage(this.ball, 0, 0);
    }
    if (f.t > 0) {
      ctx.globalAlpha = f.t;
      ctx.beginPath();
      for (const e of EDGE) ctx.lineTo(f.fx + f.s * e[0], f.fy - f.s * e[1]);
      ctx.closePath();
      ctx.fillStyle = theme.ball;
      ctx.fill();
      ctx.strokeStyle = theme.rim;
      ctx.lineWidth = this.dpr;
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
    ctx.strokeStyle = theme.grid;
    ctx.lineWidth = this.dpr;
    ctx.beginPath();
    for (const line of LINES) {
      let pen = false;
      for (const [v, e] of line) {
        const [x, y, depth] = standing(f, v, e);
        if (depth <= 0) {
          pen = false;
          continue;
        }
        if (pen) ctx.lineTo(x, y);
        else ctx.moveTo(x, y);
        pen = true;
      }
    }
    ctx.stroke();
  }

  makeBall(f, w, h) {
    const ball = document.createElement("canvas"),
      ctx = ball.getContext("2d"),
      { theme } = this,
      r = f.r,
      reach = r * 1.09;
    ball.width = w;
    ball.height = h;
    const glow = ctx.createRadialGradient(f.cx, f.cy, r * 0.98, f.cx, f.cy, reach);
    glow.addColorStop(0, `${theme.glow}42`);
    glow.addColorStop(1, `${theme.glow}00`);
    ctx.fillStyle = glow;
    ctx.beginPath();
    ctx.arc(f.cx, f.cy, reach, 0, 7);
    ctx.fill();
    const shade = ctx.createRadialGradient(
      f.cx - 0.32 * r,
      f.cy - 0.36 * r,
      0,
      f.cx - 0.32 * r,
      f.cy - 0.36 * r,
      1.5 * r,
    );
    shade.addColorStop(0, theme.ball);
    shade.addColorStop(0.35, theme.ball);
    shade.addColorStop(1, theme.shade);
    ctx.fillStyle = shade;
    ctx.beginPath();
    ctx.arc(f.cx, f.cy, r, 0, 7);
    ctx.fill();
    const rim = ctx.createRadialGradient(f.cx, f.cy, 0.9 * r, f.cx, f.cy, r);
    rim.addColorStop(0, `${theme.rim}00`);
    rim.addColorStop(0.6, `${theme.rim}12`);
    rim.addColorStop(1, `${theme.rim}60`);
    ctx.fillStyle = rim;
    ctx.beginPath();
    ctx.arc(f.cx, f.cy, r, 0, 7);
    ctx.fill();
    return ball;
  }

  points(buf, w, h, f) {
    const { sx, sy, sz, group, clusters, clear, order } = this,
      n = this.cloud.n;
    const zoom = (1 - f.t) * this.camera.zoom + f.t * this.camera.flatZoom,
      room = Math.min(w, h) / this.dpr / 620;
    const radius =
      Math.min(
        11,
        Math.min(5.4, Math.max(0.9, 35 * Math.max(1, n) ** -0.31)) *
          Math.sqrt(zoom) *
          Math.min(1.25, Math.max(0.7, room)),
      ) * this.dpr;
    if (Math.abs(radius - (this.dotRadius ?? 0)) > 0.02) {
      this.dot = makeDisc(radius);
      this.dotRadius = radius;
    }
    const colors = Int32Array.from(clusters, (c) => c.pixel),
      dot = this.dot,
      most = n < 3000 ? 256 : 214;
    const dimmed = clear.some((s) => s < 250);
    for (let pass = dimmed ? 0 : 1; pass < 2; pass++) {
      for (let k = 0; k < n; k++) {
        const i = order[k],
          z = sz[i],
          g = group[i],
          s = clear[g];
        if (z <= 0 || (dimmed && s < 250 !== (pass === 0))) continue;
        const near = Math.min(1, z / 0.55),
          a = (most * s * (0.16 + 0.84 * near * near * (3 - 2 * near))) >> 8;
        if (a > 1) stamp(buf, w, h, dot, sx[i], sy[i], colors[g], a);
      }
    }
  }

  rings() {
    const { ctx, dpr, theme } = this,
      r = Math.max(this.dotRadius, 2.2 * dpr) * 1.25;
    const ring = (i, wide, space) => {
      if (i < 0 || this.sz[i] <= 0) return;
      ctx.beginPath();
      ctx.arc(this.sx[i], this.sy[i], r + space * dpr, 0, 7);
      ctx.fillStyle = theme.page;
      ctx.fill();
      ctx.lineWidth = wide * dpr;
      ctx.strokeStyle = theme.text;
      ctx.stroke();
      ctx.beginPath();
      ctx.arc(this.sx[i], this.sy[i], r, 0, 7);
      ctx.fillStyle = this.clusters[this.group[i]].color;
      ctx.fill();
    };
    if (this.selected >= 0) for (const i of this.clusters[this.selected].exemplars) ring(i, 1, 1.6);
    ring(this.highlighted, 2.4, 3.4);
    ring(this.hover, 1.3, 2.6);
  }
}
