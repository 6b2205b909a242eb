// Pointer, wheel, touch and keyboard of one globe. Every listener hangs on globe.off (an AbortController).
import { nearest, turned } from "../../../gem_core/export/globe_modules/geometry.js";
import { labelAt } from "./labels.js";
import { Tip } from "./tip.js";

export function listen(globe) {
  const { canvas } = globe,
    signal = globe.off.signal,
    on = (target, name, f, more = {}) => target.addEventListener(name, f, { signal, ...more });
  const touches = new Map();
  let down = null,
    lassoMode = false,
    lastClick = null,
    ask = 0;
  const tip = new Tip(globe);

  const pixelOf = (e) => {
    const b = canvas.getBoundingClientRect();
    return [((e.clientX - b.left) * canvas.width) / b.width, ((e.clientY - b.top) * canvas.height) / b.height];
  };
  const setMode = (onNow) => {
    lassoMode = onNow;
    globe.part("[data-do=lasso]").setAttribute("aria-pressed", String(onNow));
    canvas.classList.toggle("lasso", onNow);
  };
  const under = (e) => {
    const [x, y] = pixelOf(e),
      label = labelAt(globe, x, y);
    if (label) return { x, y, label, i: -1 };
    const reach = Math.max(9, globe.dot / globe.dpr + 4) * globe.dpr * (e.pointerType === "touch" ? 2 : 1);
    return { x, y, label: null, i: nearest(globe.sx, globe.sy, globe.sz, globe.n, x, y, reach) };
  };
  const hover = (i, group, e) => {
    const changed = i !== globe.hover || group !== globe.hoverGroup;
    if (changed) {
      globe.hover = i;
      globe.hoverGroup = group;
      globe.later();
    }
    canvas.classList.toggle("over", group >= 0 || i >= 0);
    tip.show(i, group, e, changed);
  };

  on(canvas, "pointerdown", (e) => {
    if (e.button > 0 || !globe.header) return;
    canvas.setPointerCapture(e.pointerId);
    touches.set(e.pointerId, [e.clientX, e.clientY]);
    globe.touch();
    hover(-1, -1, e);
    const [x, y] = pixelOf(e);
    down = { x: e.clientX, y: e.clientY, far: 0, at: e.timeStamp, trail: [] };
    if (lassoMode || e.shiftKey) globe.lasso = [x, y];
    else {
      globe.moving = true;
      canvas.classList.add("turning");
    }
  });

  on(canvas, "pointermove", (e) => {
    if (!globe.header) return;
    if (touches.size === 2 && touches.has(e.pointerId)) {
      pinch(e);
      return;
    }
    if (!down) {
      globe.pointerOver = true;
      if (!ask)
        ask = requestAnimationFrame(() => {
          ask = 0;
          if (down || !globe.pointerOver || signal.aborted) return;
          const u = under(e),
            group = u.label ? u.label.group : u.i >= 0 ? globe.group[u.i] : -1;
          hover(u.i, group, e);
        });
      return;
    }
    const dx = e.clientX - down.x,
      dy = e.clientY - down.y,
      scale = canvas.width / canvas.clientWidth;
    down.far += Math.abs(dx) + Math.abs(dy);
    down.x = e.clientX;
    down.y = e.clientY;
    if (globe.lasso) {
      globe.lasso.push(...pixelOf(e));
      globe.later();
      return;
    }
    globe.cam.q = turned(globe.cam.q, dx * scale, dy * scale, globe.radius);
    down.trail.push([e.timeStamp, dx * scale, dy * scale]);
    if (down.trail.length > 6) down.trail.shift();
    globe.later();
  });

  const pinch = (e) => {
    const [a, b] = [...touches.values()],
      before = Math.hypot(a[0] - b[0], a[1] - b[1]);
    touches.set(e.pointerId, [e.clientX, e.clientY]);
    const [c, d] = [...touches.values()],
      after = Math.hypot(c[0] - d[0], c[1] - d[1]);
    const [x, y] = place({ clientX: (c[0] + d[0]) / 2, clientY: (c[1] + d[1]) / 2 });
    if (down) down.far += 99;
    globe.lasso = null;
    if (before > 0) globe.zoomBy(after / before, x, y);
  };

  const up = (e) => {
    touches.delete(e.pointerId);
    if (!down || touches.size) return;
    const was = down;
    down = null;
    globe.moving = false;
    canvas.classList.remove("turning");
    if (globe.lasso && was.far > 8) {
      globe.endLasso();
      setMode(false);
      return;
    }
    globe.lasso = null;
    if (e.type === "pointercancel") {
      globe.later();
      return;
    }
    if (was.far >= 5) {
      release(was, e);
      return;
    }
    // the second click of a double click is no new pick
    const again =
      lastClick &&
      e.timeStamp - lastClick[0] < 350 &&
      Math.hypot(e.clientX - lastClick[1], e.clientY - lastClick[2]) < 8;
    lastClick = [e.timeStamp, e.clientX, e.clientY];
    if (again) return;
    const u = under(e);
    if (u.label) globe.pickCluster(u.label.group);
    else if (u.i >= 0) globe.pickPoint(u.i);
    else globe.clear();
  };
  on(canvas, "pointerup", up);
  on(canvas, "pointercancel", up);

  // a flick goes on for a moment
  const release = (was, e) => {
    const recent = was.trail.filter((s) => e.timeStamp - s[0] < 80),
      span = recent.length > 1 ? e.timeStamp - recent[0][0] : 0;
    if (span > 8 && !globe.calm.matches) {
      const v = [recent.reduce((s, q) => s + q[1], 0) / span, recent.reduce((s, q) => s + q[2], 0) / span];
      if (Math.hypot(...v) > 0.12) globe.spin = v;
    }
    globe.later();
  };

  on(canvas, "pointerleave", (e) => {
    globe.pointerOver = false;
    if (!down) hover(-1, -1, e);
    globe.later();
  });
  on(canvas, "dblclick", (e) => {
    const u = under(e),
      group = u.label ? u.label.group : u.i >= 0 ? globe.group[u.i] : null;
    const to = group === null ? null : globe.center(group);
    if (to) {
      globe.touch();
      globe.face(to);
    }
  });
  on(
    canvas,
    "wheel",
    (e) => {
      if (!globe.header) return;
      const lines = e.deltaMode === 1 ? 16 : 1,
        speed = e.ctrlKey ? 90 : 620;
      const delta = Math.max(-240, Math.min(240, e.deltaY * lines));
      globe.touch();
      hover(-1, -1, e);
      // at either end of the zoom the page scrolls as usual
      if (globe.zoomBy(Math.exp(-delta / speed), ...pixelOf(e))) e.preventDefault();
    },
    { passive: false },
  );

  const act = {
    in: () => globe.glide(globe.cam.q, Math.min(14, globe.cam.zoom * 1.5)),
    out: () => globe.glide(globe.cam.q, Math.max(0.7, globe.cam.zoom / 1.5)),
    reset: () => globe.glide(globe.home, 1),
    lasso: () => setMode(!lassoMode),
    turn: () => globe.setTurning(!globe.turning),
  };
  for (const b of globe.root.querySelectorAll(".bar button")) {
    on(b, "click", () => {
      const name = b.dataset.do;
      if (name !== "turn") globe.touch();
      act[name]();
    });
  }

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  on(canvas, "keydown", (e) => {
    if (!globe.header || e.ctrlKey || e.metaKey || e.altKey) return;
    const k = e.key;
    let handled = true;
    if (k !== "Tab" && k !== "Shift" && k !== " ") globe.touch();
    if (arrows[k]) {
      globe.cam.q = turned(globe.cam.q, arrows[k][0] * 0.14, arrows[k][1] * 0.14, 1);
      globe.later();
    } else if (k === "+" || k === "=") act.in();
    else if (k === "-" || k === "_") act.out();
    else if (k === "0" || k === "Home") act.reset();
    else if (k === "[" || k === "]") {
      globe.stepCluster(k === "[" ? -1 : 1);
      globe.setTurning(false);
    } else if (k === "Enter") {
      if (globe.focus >= 0) globe.pickCluster(globe.focus);
      else handled = false;
    } else if (k === "Escape") {
      setMode(false);
      globe.lasso = null;
      globe.clear();
    } else if (k === "l" || k === "L") act.lasso();
    else if (k === " ") act.turn();
    else handled = false;
    if (handled) {
      e.preventDefault();
      e.stopPropagation();
    }
  });
  on(canvas, "blur", () => {
    if (globe.focus >= 0) {
      globe.focus = -1;
      globe.later();
    }
  });
}
