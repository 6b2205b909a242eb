// The treemap: groups outside, their clusters inside, tiles as square as can be (Bruls, Huizing, van Wijk 2000).

const HEADER = 24,
  GAP = 3;

function squarify(sizes, frame) {
  const total = sizes.reduce((a, b) => a + b, 0),
    tiles = sizes.map(() => ({ x: frame.x, y: frame.y, w: 0, h: 0 }));
  if (!(total > 0) || frame.w <= 0 || frame.h <= 0) return tiles;
  const scale = (frame.w * frame.h) / total;
  const left = sizes
    .map((_, k) => k)
    .filter((k) => sizes[k] > 0)
    .sort((a, b) => sizes[b] - sizes[a] || a - b);
  const worst = (sum, least, most, side) =>
    Math.max((side * side * most * scale) / (sum * scale) ** 2, (sum * scale) ** 2 / (side * side * least * scale));
  let { x, y, w, h } = frame;
  while (left.length && Math.min(w, h) > 0) {
    const side = Math.min(w, h),
      row = [left.shift()];
    let sum = sizes[row[0]];
    while (left.length) {
      const next = sizes[left[0]],
        last = sizes[row[row.length - 1]];
      if (worst(sum + next, next, sizes[row[0]], side) > worst(sum, last, sizes[row[0]], side)) break;
      row.push(left.shift());
      sum += next;
    }
    const depth = (scale * sum) / side;
    let along = 0;
    for (const k of row) {
      const extent = (scale * sizes[k]) / depth;
      tiles[k] = w >= h ? { x, y: y + along, w: depth, h: extent } : { x: x + along, y, w: extent, h: depth };
      along += extent;
    }
    if (w >= h) {
      x += depth;
      w -= depth;
    } else {
      y += depth;
      h -= depth;
    }
  }
  return tiles;
}

// Black or white, whichever stands out more (WCAG relative luminance)
function inkOn(color) {
  const [r, g, b] = [1, 3, 5]
    .map((i) => parseInt(color.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.179 ? "light" : "dark";
}

class Tree {
  constructor(root, data, onPick, onPoint) {
    this.root = root;
    this.data = data;
    this.by = "documents";
    this.tiles = new Map();
    this.groups = data.groups.map((g) => this.box("div", "group", g.label));
    for (const [index, c] of data.clusters.entries()) {
      const tile = this.box("button", `tile k${index} ${inkOn(c.color)}`, c.label);
      tile.type = "button";
      tile.dataset.index = index;
      tile.addEventListener("click", () => onPick(index));
      tile.addEventListener("pointerenter", () => onPoint(index));
      tile.addEventListener("pointerleave", () => onPoint(-1));
      this.tiles.set(index, tile);
    }
    new ResizeObserver(() => this.lay()).observe(root);
    this.select(-1);
  }

  box(kind, name, label) {
    const element = document.createElement(kind),
      text = document.createElement("b"),
      more = document.createElement("span");
    element.className = name;
    text.textContent = label;
    element.append(text, more);
    this.root.append(element);
    return element;
  }

  set(by) {
    this.by = by;
    this.lay();
  }

  select(index) {
    for (const [k, tile] of this.tiles) tile.setAttribute("aria-pressed", String(k === index));
  }

  lay() {
    const { clusters, groups } = this.data,
      size = (k) => clusters[k][this.by],
      at = { documents: 0, tokens: 1, mass: 2 }[this.by];
    const frame = { x: 0, y: 0, w: this.root.clientWidth, h: this.root.clientHeight };
    const outer = squarify(
      groups.map((g) => g.children.reduce((sum, k) => sum + size(k), 0)),
      frame,
    );
    groups.forEach((g, i) => {
      const o = this.put(this.groups[i], outer[i], GAP / 2),
        header = Math.min(HEADER, o.h / 3);
      this.groups[i].classList.toggle("bare", header < 18 || o.w < 40);
      this.groups[i].title = g.label;
      const inner = { x: o.x + GAP, y: o.y + header, w: o.w - 2 * GAP, h: o.h - header - GAP };
      squarify(g.children.map(size), inner).forEach((t, j) => {
        const c = clusters[g.children[j]],
          tile = this.tiles.get(g.children[j]),
          put = this.put(tile, t, 1);
        tile.lastChild.textContent = c.shares[at];
        tile.title = `${c.label}\n${c.shares[at]} of the ${this.by}`;
        tile.setAttribute("aria-label", `${c.label}, ${c.shares[at]} of the ${this.by}`);
        // letters get smaller before a word is broken, and a word is cut before it hides its share
        const longest = Math.max(...c.label.split(/\s+/).map((word) => word.length)),
          room = put.w - 16;
        const small = put.w < 60 || put.h < 40 || longest * 9 > room,
          line = small ? 15 : 17;
        tile.firstChild.style.webkitLineClamp = Math.max(1, Math.floor((put.h - 12 - line) / line));
        tile.classList.toggle("small", small);
        tile.classList.toggle("cut", longest * (small ? 8 : 9) > room);
        tile.classList.toggle("low", put.h < 38);
        tile.classList.toggle("tiny", put.w < 40 || put.h < 20);
      });
    });
  }

  put(box, t, by) {
    const o = { x: t.x + by, y: t.y + by, w: Math.max(0, t.w - 2 * by), h: Math.max(0, t.h - 2 * by) };
    box.hidden = o.w < 1 || o.h < 1;
    Object.assign(box.style, { left: `${o.x}px`, top: `${o.y}px`, width: `${o.w}px`, height: `${o.h}px` });
    return o;
  }
}
