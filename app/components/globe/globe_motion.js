// The globe in motion: turning, gliding, zooming, fading, one frame after the other.
import {
  facing,
  matrixOf,
  quatBetween,
  quatMultiply,
  quatNormalize,
  quatSlerp,
  rotate,
  spun,
  turned,
  unproject,
} from "../../../gem_core/export/globe_modules/geometry.js";
import { blendColors } from "../../../gem_core/export/globe_modules/pixels.js";
import { GlobeData } from "./globe_data.js";

const ZOOM = [0.7, 14];

export class GlobeMotion extends GlobeData {
  touch() {
    this.spin = null;
    this.motion = null;
    if (!this.cam.touched) this.setTurning(false);
    this.part(".hint").classList.add("gone");
  }

  setTurning(on) {
    this.turning = on;
    this.cam.touched = !on;
    this.part("[data-do=turn]").setAttribute("aria-pressed", String(on));
    this.later();
  }

  face(direction, zoom = this.cam.zoom) {
    this.glide(facing(direction, 0), zoom);
  }

  glide(q, zoom) {
    this.spin = null;
    if (this.calm.matches) {
      this.cam.q = q;
      this.cam.zoom = zoom;
    } else
      this.motion = {
        from: this.cam.q,
        to: q,
        zoomFrom: this.cam.zoom,
        zoomTo: zoom,
        start: performance.now(),
        span: 560,
      };
    this.later();
  }

  zoomBy(factor, x = null, y = null) {
    const z = this.cam.zoom,
      next = Math.min(ZOOM[1], Math.max(ZOOM[0], z * factor));
    if (next === z) return false;
    const w = this.canvas.width / 2,
      h = this.canvas.height / 2,
      m = matrixOf(this.cam.q);
    const before = x === null ? null : unproject(x, y, m, w, h, this.radius);
    this.cam.zoom = next;
    const after = before && unproject(x, y, m, w, h, this.radius);
    // what lies under the pointer stays there
    if (after) this.cam.q = quatNormalize(quatMultiply(quatBetween(rotate(m, before), rotate(m, after)), this.cam.q));
    this.later();
    return true;
  }

  step(now) {
    const dt = Math.min(60, Math.max(1, now - (this.last || now - 16)));
    let busy = false;
    this.drifting = false;
    if (this.motion) {
      const m = this.motion,
        t = Math.min(1, (now - m.start) / m.span),
        e = t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2;
      this.cam.q = quatSlerp(m.from, m.to, e);
      this.cam.zoom = m.zoomFrom * (m.zoomTo / m.zoomFrom) ** e;
      if (t >= 1) this.motion = null;
      else busy = true;
    } else if (this.spin) {
      this.cam.q = turned(this.cam.q, this.spin[0] * dt, this.spin[1] * dt, this.radius);
      const keep = Math.exp(-dt / 260);
      this.spin = Math.hypot(...this.spin) * keep < 0.012 ? null : [this.spin[0] * keep, this.spin[1] * keep];
      busy = this.spin !== null;
    } else if (this.turning && !this.pointerOver && this.visible) {
      this.cam.q = spun(this.cam.q, ((-4.5 * Math.PI) / 180) * (dt / 1000));
      busy = this.drifting = true;
    }
    if (this.fadeStart) {
      const t = Math.min(1, (now - this.fadeStart) / 400);
      if (t >= 1) {
        this.color = this.target;
        this.fadeStart = 0;
      } else {
        blendColors(this.from, this.target, this.color, t * t * (3 - 2 * t));
        busy = true;
      }
    }
    const lean = this.calm.matches ? 1 : 1 - Math.exp(-dt / 90),
      focus = this.focused;
    for (let k = 0; k < this.strength.length; k++) {
      let goal = 256;
      if (focus !== null && k !== focus) goal = 256 * (k === this.hoverGroup ? 0.6 : this.theme.dim);
      else if (focus === null && this.hoverGroup >= 0 && k !== this.hoverGroup) goal = 256 * this.theme.hoverDim;
      const gap = goal - this.strength[k];
      if (Math.abs(gap) < 2) this.strength[k] = goal;
      else {
        this.strength[k] += gap * lean;
        busy = true;
      }
    }
    return busy;
  }

  later() {
    if (this.raf || !this.header) return;
    this.raf = requestAnimationFrame((now) => {
      this.raf = 0;
      // the slow turn needs no more than 30 frames a second
      if (this.drifting && this.last && now - this.last < 28) {
        this.later();
        return;
      }
      const busy = this.step(now) || this.moving;
      this.last = now;
      if (this.coarse && !busy) {
        this.coarse = false;
        this.measure();
      }
      const fading = this.draw();
      // too slow while it moves: fewer pixels until it rests
      this.run = busy ? (this.run ?? 0) + 1 : 0;
      this.slow = this.run < 8 ? 0 : 0.85 * (this.slow || this.frame) + 0.15 * this.frame;
      if (this.run > 16 && !this.coarse && this.slow > 18 && this.dpr > 1) {
        this.coarse = true;
        this.measure();
      }
      if ((busy && !this.moving) || fading) this.later();
      else if (!busy) this.last = 0;
    });
  }
}
