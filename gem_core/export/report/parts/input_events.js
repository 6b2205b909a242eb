// Pointer, wheel, touch and keyboard of the map.

function listen(map, tip) {
  const { canvas } = map,
    on = (name, f, more) => canvas.addEventListener(name, f, more);
  const touches = new Map();
  let down = null,
    hoverFrame = 0;

  const pixelOf = (e) => {
    const b = canvas.getBoundingClientRect();
    return [((e.clientX - b.left) * canvas.width) / b.width, ((e.clientY - b.top) * canvas.height) / b.height];
  };

  const under = (e) => {
    const [x, y] = pixelOf(e),
      label = labelAt(map, x, y);
    if (label >= 0) return { cluster: label, point: -1 };
    const point = map.at(
      x,
      y,
      Math.max(9, map.dotRadius / map.dpr + 4) * map.dpr * (e.pointerType === "touch" ? 2 : 1),
    );
    return { cluster: point < 0 ? -1 : map.group[point], point };
  };

  const hover = (target, e) => {
    if (target.point !== map.hover) {
      map.hover = target.point;
      map.later();
    }
    map.point(target.cluster);
    canvas.classList.toggle("over", target.cluster >= 0);
    tip.hidden = target.cluster < 0;
    if (tip.hidden) return;
    const c = map.clusters[target.cluster],
      best = c.exemplars.includes(target.point) ? ", an exemplar" : "";
    tip.querySelector("i").className = `dot k${c.index}`;
    tip.querySelector("span").textContent = c.label;
    tip.querySelector("small").textContent = `${c.size.toLocaleString("en-US")} documents${best}`;
    const b = canvas.getBoundingClientRect(),
      x = e.clientX - b.left,
      y = e.clientY - b.top;
    const left = x + 16 + tip.offsetWidth > b.width ? x - tip.offsetWidth - 12 : x + 16;
    const top = y + 16 + tip.offsetHeight > b.height ? y - tip.offsetHeight - 10 : y + 16;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  };
  const nothing = { cluster: -1, point: -1 };

  on("pointerdown", (e) => {
    if (e.button > 0) return;
    touches.set(e.pointerId, [e.clientX, e.clientY]);
    canvas.setPointerCapture(e.pointerId);
    map.touch();
    map.dragging = true;
    hover(nothing, e);
    down = { x: e.clientX, y: e.clientY, far: 0 };
  });

  on("pointermove", (e) => {
    if (touches.size === 2 && touches.has(e.pointerId)) {
      pinch(e);
      return;
    }
    if (!down) {
      if (!hoverFrame)
        hoverFrame = requestAnimationFrame(() => {
          hoverFrame = 0;
          if (!down) hover(under(e), e);
        });
      return;
    }
    const dx = e.clientX - down.x,
      dy = e.clientY - down.y,
      scale = canvas.width / canvas.clientWidth;
    down.far += Math.abs(dx) + Math.abs(dy);
    down.x = e.clientX;
    down.y = e.clientY;
    canvas.classList.add("held");
    map.drag(dx * scale, dy * scale);
  });

  const pinch = (e) => {
    const [a, b] = [...touches.values()],
      before = Math.hypot(a[0] - b[0], a[1] - b[1]);
    touches.set(e.pointerId, [e.clientX, e.clientY]);
    const [c, d] = [...touches.values()],
      after = Math.hypot(c[0] - d[0], c[1] - d[1]);
    if (down) down.far += 99;
    if (before > 0) map.zoomBy(after / before, ...pixelOf({ clientX: (c[0] + d[0]) / 2, clientY: (c[1] + d[1]) / 2 }));
  };

  const up = (e) => {
    touches.delete(e.pointerId);
    if (!down || touches.size) return;
    const far = down.far;
    down = null;
    map.dragging = false;
    canvas.classList.remove("held");
    if (e.type === "pointerup" && far < 5) map.onPick(under(e));
    map.later();
  };
  on("pointerup", up);
  on("pointercancel", up);
  on("pointerleave", (e) => {
    if (!down) hover(nothing, e);
  });
  on("dblclick", (e) => {
    const target = under(e);
    if (target.cluster >= 0) map.zoomBy(1.6, ...pixelOf(e));
  });

  // The page scrolls under the wheel as everywhere; with Ctrl, or once the map was clicked, it zooms.
  on(
    "wheel",
    (e) => {
      if (!e.ctrlKey && !e.metaKey && document.activeElement !== canvas) return;
      e.preventDefault();
      hover(nothing, e);
      const delta = Math.max(-240, Math.min(240, e.deltaY * (e.deltaMode === 1 ? 16 : 1)));
      map.zoomBy(Math.exp(-delta / (e.ctrlKey ? 120 : 520)), ...pixelOf(e));
    },
    { passive: false },
  );

  const arrows = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  on("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const far = 0.12 * canvas.height;
    let handled = true;
    if (arrows[e.key]) {
      map.touch();
      map.drag(arrows[e.key][0] * far, arrows[e.key][1] * far);
    } else if (e.key === "+" || e.key === "=") map.zoomBy(1.4);
    else if (e.key === "-") map.zoomBy(1 / 1.4);
    else if (e.key === "0" || e.key === "Home") map.reset();
    else if (e.key === "[" || e.key === "]") map.onStep(e.key === "]" ? 1 : -1);
    else if (e.key === "Escape") map.onPick(nothing);
    else handled = false;
    if (handled) e.preventDefault();
  });

  const act = { in: () => map.zoomBy(1.5), out: () => map.zoomBy(1 / 1.5), reset: () => map.reset() };
  for (const b of map.root.querySelectorAll("[data-do]")) b.addEventListener("click", () => act[b.dataset.do]());
}
