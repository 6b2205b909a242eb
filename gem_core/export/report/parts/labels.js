// Names on the map: the largest clusters first, none over another; drawn as text, whatever they hold.

const SHORTEST = 130,
  LONGEST = 200; // widths of a name in CSS pixels

function drawLabels(map, f) {
  const { ctx, dpr, clusters, theme } = map,
    w = map.canvas.width,
    h = map.canvas.height,
    boxes = [];
  const most = Math.min(LONGEST, Math.max(SHORTEST, 0.26 * (w / dpr))) * dpr;
  for (const c of clusters) {
    const [x, y, depth] = standing(f, c.at, c.flat),
      strong = c.index === map.selected;
    c.box = null;
    if (depth < 0.2 || x < 0 || y < 0 || x > w || y > h || !c.points) continue;
    ctx.font = `${strong ? 700 : 600} ${12.5 * dpr}px ${theme.font}`;
    const key = `${strong} ${most} ${theme.font}`;
    if (c.key !== key) {
      c.key = key;
      c.text = fitText(ctx, c.label, most);
      c.wide = ctx.measureText(c.text).width;
    }
    const wide = c.wide + 22 * dpr,
      tall = 21 * dpr;
    const lean = f.t < 0.5 ? Math.sign(f.cx - x) * (1 - depth) * wide * 0.3 : 0;
    const left = Math.min(w - wide / 2 - 2 * dpr, Math.max(wide / 2 + 2 * dpr, x + lean));
    const top = Math.min(h - tall / 2, Math.max(tall / 2, y - (strong ? 20 * dpr : 0)));
    const rank = strong ? 1e12 : c.index === map.pointed ? 1e11 : c.size * (0.3 + 0.7 * depth);
    boxes.push({ c, x: left, y: top, w: wide, h: tall, rank, depth, strong });
  }
  const room = Math.max(5, Math.round((w * h) / (dpr * dpr) / 16000)),
    placed = [...placeLabels(boxes, room)].map((i) => boxes[i]);
  for (const b of placed) b.c.box = b;
  for (const b of placed.reverse()) drawLabel(map, b);
  ctx.globalAlpha = 1;
}

function drawLabel(map, b) {
  const { ctx, dpr, theme } = map,
    loud = b.strong || b.c.index === map.pointed;
  const left = b.x - b.w / 2,
    text = left + 17 * dpr;
  ctx.globalAlpha = Math.min(1, (b.depth - 0.16) * 4) * (loud ? 1 : 0.3 + (0.7 * map.clear[b.c.index]) / 256);
  ctx.font = `${b.strong ? 700 : 600} ${12.5 * dpr}px ${theme.font}`;
  ctx.textBaseline = "middle";
  ctx.lineJoin = "round";
  if (b.strong) {
    ctx.beginPath();
    ctx.roundRect(left, b.y - b.h / 2, b.w, b.h, b.h / 2);
    ctx.fillStyle = theme.page;
    ctx.fill();
    ctx.strokeStyle = b.c.color;
    ctx.lineWidth = 1.4 * dpr;
    ctx.stroke();
  } else {
    ctx.strokeStyle = theme.page;
    ctx.lineWidth = 3.6 * dpr;
    ctx.globalAlpha *= 0.9;
    ctx.strokeText(b.c.text, text, b.y + 0.5 * dpr);
    ctx.beginPath();
    ctx.arc(left + 9.5 * dpr, b.y, 5 * dpr, 0, 7);
    ctx.fillStyle = theme.page;
    ctx.fill();
  }
  ctx.beginPath();
  ctx.arc(left + 9.5 * dpr, b.y, 3.6 * dpr, 0, 7);
  ctx.fillStyle = b.c.color;
  ctx.fill();
  ctx.fillStyle = theme.text;
  ctx.fillText(b.c.text, text, b.y + 0.5 * dpr);
}

function labelAt(map, x, y) {
  const cluster = map.clusters.find(
    (c) => c.box && Math.abs(c.box.x - x) * 2 < c.box.w && Math.abs(c.box.y - y) * 2 < c.box.h,
  );
  return cluster ? cluster.index : -1;
}
