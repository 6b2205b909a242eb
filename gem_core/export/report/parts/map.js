// The map: documents on a globe or flat. It knows what is selected and pointed at, and draws when something changed.

const LINES = flatGraticule(),
  EDGE = outline();
const ZOOM = [0.8, 16];
const DRIFT = 0.05,
  REST = 24_000; // radians a second; milliseconds until the globe comes to rest by itself

class DocumentMap {
  constructor(root, data, onPick) {
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
    data.points.counts.forEach((count, place) => {
      this.starts.push(first);
      this.group.fill(place, first, first + count);
      first += count;
    });
    this.clusters = data.clusters.map((c, place) => ({
      ...c,
      place,
      pixel: parseHex(c.color),
      at: data.points.anchors[place],
      flat: equalEarth(...lonLat(data.points.anchors[place])),
      drawn: data.points.counts[place],
      box: null,
    }));
    this.order = this.mixed(n);
    this.clear = new Float32Array(this.clusters.length).fill(256);
    this.selected = -1;
    this.pointed = -1;
    this.hover = -1;
    this.marked = -1;
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
    for (const c of this.clusters) for (let k = 0; k < 3; k++) sum[k] += c.at[k] * Math.sqrt(c.drawn);
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

  // ---- what others ask of it ---------------------------------------------------------------------------------------
  select(place) {
    this.selected = place;
    this.marked = -1;
    if (place >= 0) this.show(this.clusters[place].at);
    this.later();
  }

  point(place) {
    if (place !== this.pointed) {
      this.pointed = place;
      this.later();
    }
  }

  mark(index) {
    this.marked = index;
    if (index >= 0) this.show([...this.cloud.xyz.subarray(3 * index, 3 * index + 3)]);
    this.later();
  }

  setView(view) {
    this.view = view;
    this.touch();
    if (this.calm.matches) this.t = view;
    this.later();
  }

  // Turn the globe to a direction that is out of sight; on the flat map move there when it is enlarged
  show(v) {
    const [yaw, pitch] = lonLat(v),
      f = this.frame(),
      [, , depth] = standing({ ...f, t: 0 }, v, [0, 0]);
    this.touch();
    if (this.view) {
      const e = equalEarth(yaw, pitch);
      if (this.camera.flatZoom > 1.05) this.glide({ x: -e[0], y: e[1] });
    } else if (depth < 0.5) this.glide({ yaw, pitch: pitch * 0.85 });
  }

  touch() {
    this.touched = true;
    this.motion = null;
  }

  glide(to) {
    const from = { ...this.camera };
    if (to.yaw !== undefined) to.yaw = from.yaw + Math.atan2(Math.sin(to.yaw - from.yaw), Math.cos(to.yaw - from.yaw));
    if (this.calm.matches) Object.assign(this.camera, to);
    else this.motion = { from, to, start: performance.now() };
    this.later();
  }

  zoomBy(factor, x = this.canvas.width / 2, y = this.canvas.height / 2) {
    const k = this.camera,
      limit = (v) => Math.min(ZOOM[1], Math.max(ZOOM[0], v)),
      f = this.frame();
    this.touch();
    if (!this.view) k.zoom = limit(k.zoom * factor);
    else {
      const next = limit(k.flatZoom * factor),
        grown = next / k.flatZoom,
        s = f.s * grown;
      k.x = (x + (f.fx - x) * grown - this.canvas.width / 2) / s;
      k.y = (y + (f.fy - y) * grown - this.canvas.height / 2) / s;
      k.flatZoom = next;
    }
    this.later();
  }

  drag(dx, dy) {
    const k = this.camera,
      f = this.frame();
    if (this.view) {
      k.x += dx / f.s;
      k.y += dy / f.s;
    } else {
      k.yaw -= dx / (f.r * Math.max(0.35, Math.cos(k.pitch)));
      k.pitch = Math.max(-1.5, Math.min(1.5, k.pitch + dy / f.r));
    }
    this.later();
  }

  reset() {
    this.touch();
    this.glide({ ...this.home });
  }

  at(x, y, reach) {
    return nearest(this.sx, this.sy, this.sz, this.cloud.n, x, y, reach);
  }

  // ---- time --------------------------------------------------------------------------------------------------------
  step(now) {
    const dt = Math.min(60, Math.max(1, now - (this.last || now - 16))),
      calm = this.calm.matches;
    let busy = false;
    if (this.t !== this.view) {
      this.t = calm
        ? this.view
        : this.t + Math.sign(this.view - this.t) * Math.min(Math.abs(this.view - this.t), dt / 900);
      busy = true;
    }
    if (this.motion) {
      const p = Math.min(1, (now - this.motion.start) / 620),
        e = p < 0.5 ? 4 * p ** 3 : 1 - (2 - 2 * p) ** 3 / 2;
      for (const [name, to] of Object.entries(this.motion.to))
        this.camera[name] = this.motion.from[name] + (to - this.motion.from[name]) * e;
      if (p >= 1) this.motion = null;
      else busy = true;
    } else if (!this.touched && !calm && !this.view && this.seen) {
      this.began ||= now;
      const left = 1 - (now - this.began) / REST;
      if (left > 0) {
        this.camera.yaw += DRIFT * (dt / 1000) * Math.min(1, 4 * left);
        busy = this.drifting = true;
      } else this.touched = true;
    }
    const lean = calm ? 1 : 1 - Math.exp(-dt / 80);
    for (const c of this.clusters) {
      let goal = 256;
      if (this.selected >= 0 && c.place !== this.selected) goal = c.place === this.pointed ? 170 : this.theme.dim;
      else if (this.selected < 0 && this.pointed >= 0 && c.place !== this.pointed) goal = 90;
      const gap = goal - this.clear[c.place];
      if (Math.abs(gap) < 2) this.clear[c.place] = goal;
      else {
        this.clear[c.place] += gap * lean;
        busy = true;
      }
    }
    return busy;
  }

  later() {
    if (this.raf) return;
    this.raf = requestAnimationFrame((now) => {
      this.raf = 0;
      if (this.drifting && this.last && now - this.last < 30) {
        this.later();
        return;
      }
      this.drifting = false;
      const busy = this.step(now);
      this.last = busy ? now : 0;
      if (this.rough && !busy && !this.held) {
        this.rough = false;
        this.measure();
      }
      const cost = this.draw();
      // too slow while it moves: fewer pixels until it rests
      this.slow = busy || this.held ? 0.8 * (this.slow || cost) + 0.2 * cost : 0;
      if (this.slow > 26 && !this.rough && this.dpr > 1) {
        this.rough = true;
        this.measure();
      }
      if (busy) this.later();
    });
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
    ring(this.marked, 2.4, 3.4);
    ring(this.hover, 1.3, 2.6);
  }
}
