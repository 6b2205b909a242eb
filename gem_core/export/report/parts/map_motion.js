// The map in motion: selection, view, gliding, zooming and dragging, one frame after the other.

const ZOOM = [0.8, 16];
const DRIFT = 0.05, // radians per second
  REST = 24_000; // milliseconds until the globe comes to rest by itself

class MapMotion {
  select(index) {
    this.selected = index;
    this.highlighted = -1;
    if (index >= 0) this.show(this.clusters[index].at);
    this.later();
  }

  point(index) {
    if (index !== this.pointed) {
      this.pointed = index;
      this.later();
    }
  }

  mark(index) {
    this.highlighted = index;
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
      if (this.selected >= 0 && c.index !== this.selected) goal = c.index === this.pointed ? 170 : this.theme.dim;
      else if (this.selected < 0 && this.pointed >= 0 && c.index !== this.pointed) goal = 90;
      const gap = goal - this.clear[c.index];
      if (Math.abs(gap) < 2) this.clear[c.index] = goal;
      else {
        this.clear[c.index] += gap * lean;
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
      if (this.rough && !busy && !this.dragging) {
        this.rough = false;
        this.measure();
      }
      const cost = this.draw();
      // too slow while it moves: fewer pixels until it rests
      this.slow = busy || this.dragging ? 0.8 * (this.slow || cost) + 0.2 * cost : 0;
      if (this.slow > 26 && !this.rough && this.dpr > 1) {
        this.rough = true;
        this.measure();
      }
      if (busy) this.later();
    });
  }
}
