// The page: one selection for map, list, treemap and card. Text from the corpus only ever moves as nodes or as text.

const data = JSON.parse(document.getElementById("data").textContent);
const query = (selector, root = document) => root.querySelector(selector),
  queryAll = (selector, root = document) => [...root.querySelectorAll(selector)];
const rows = queryAll(".list .row"),
  list = query(".list"),
  reading = query(".reading"),
  live = query(".live");

const map = new DocumentMap(query(".stage"), data, (target) => {
  select(target.cluster);
  if (target.point >= 0) highlightExemplar(target);
});
const tree = new Tree(
  query(".treemap"),
  data,
  (index) => select(index, true),
  (index) => map.point(index),
);
let selectedIndex = -1;

function scrollToPart(selector) {
  query(selector).scrollIntoView({ block: "start", behavior: map.calm.matches ? "auto" : "smooth" });
}
query(".chip").addEventListener("click", () => scrollToPart(".panel"));

function select(index, fromOutside = false) {
  selectedIndex = index;
  map.select(index);
  tree.select(index);
  for (const row of rows) row.setAttribute("aria-current", String(Number(row.dataset.index) === index));
  list.hidden = index >= 0;
  reading.hidden = index < 0;
  const body = query(".body", reading);
  body.replaceChildren();
  const number = index < 0 ? null : data.clusters[index].number;
  if (index >= 0) {
    const card = document.getElementById(`cluster-${number}`).cloneNode(true);
    card.removeAttribute("id");
    for (const more of queryAll("details", card)) more.open = !more.classList.contains("borderline");
    body.append(card);
    wire(card, index);
    live.textContent = `${data.clusters[index].label}, ${data.clusters[index].shares[0]} of the documents`;
    query(".panel").scrollTop = 0;
    if (fromOutside) scrollToPart("#map");
  }
  const chip = query(".chip"); // where the card lies below the map
  chip.hidden = index < 0;
  chip.textContent = index < 0 ? "" : `${data.clusters[index].label} ↓`;
  try {
    history.replaceState(null, "", index < 0 ? location.pathname + location.search : `#cluster-${number}`);
  } catch {
    /* some viewers forbid it */
  }
}

// A row of a document and its point on the map answer each other.
function wire(card, index) {
  queryAll("[data-exemplar]", card).forEach((item) => {
    const point = data.clusters[index].exemplars[Number(item.dataset.exemplar)];
    item.tabIndex = 0;
    item.addEventListener("pointerenter", () => map.mark(point));
    item.addEventListener("focus", () => map.mark(point));
    item.addEventListener("pointerleave", () => map.mark(-1));
    item.addEventListener("blur", () => map.mark(-1));
  });
}

function highlightExemplar(target) {
  const at = data.clusters[target.cluster].exemplars.indexOf(target.point);
  const item = at < 0 ? null : query(`.reading [data-exemplar="${at}"]`);
  if (item) {
    item.classList.add("highlighted");
    item.scrollIntoView({ block: "nearest" });
  }
}

map.onStep = (by) => {
  const order = rows.filter((r) => !r.hidden).map((r) => Number(r.dataset.index)),
    at = order.indexOf(selectedIndex);
  if (order.length) select(order[at < 0 ? (by > 0 ? 0 : order.length - 1) : (at + by + order.length) % order.length]);
};
listen(map, query(".tip"));

for (const row of rows) {
  const index = Number(row.dataset.index);
  row.addEventListener("click", (e) => {
    e.preventDefault();
    select(index);
    query(".back").focus();
  });
  for (const [name, to] of [
    ["pointerenter", index],
    ["focus", index],
    ["pointerleave", -1],
    ["blur", -1],
  ])
    row.addEventListener(name, () => map.point(to));
}
query(".back").addEventListener("click", () => {
  const was = selectedIndex;
  select(-1);
  rows.find((r) => Number(r.dataset.index) === was)?.focus({ preventScroll: true });
});
for (const title of queryAll(".card h3 a"))
  title.addEventListener("click", (e) => {
    e.preventDefault();
    select(Number(title.closest(".card").dataset.index), true);
  });

query(".filter").addEventListener("input", (e) => {
  const words = e.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const row of rows) {
    const text = row.dataset.words.toLowerCase();
    row.hidden = !words.every((w) => text.includes(w));
    left += row.hidden ? 0 : 1;
  }
  query(".none").hidden = left > 0;
});

// Buttons of which one is down
for (const set of queryAll("[data-set]")) {
  const buttons = queryAll("button", set);
  for (const b of buttons)
    b.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === b));
      if (set.dataset.set === "view") map.setView(Number(b.value));
      else tree.set(b.value);
    });
}

// A click on a heading sorts the table by it: first the largest, then the smallest.
for (const head of queryAll("table.sorted th button"))
  head.addEventListener("click", () => {
    const cell = head.parentElement,
      table = cell.closest("table"),
      at = cell.cellIndex,
      body = table.tBodies[0];
    const down = cell.getAttribute("aria-sort") !== "descending";
    for (const th of queryAll("th", table)) th.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (tr) => {
      const c = tr.cells[at],
        v = Number(c.dataset.v);
      return c.dataset.v === undefined || Number.isNaN(v) ? c.textContent : v;
    };
    const ordered = [...body.rows].sort((a, b) => {
      const p = value(a),
        q = value(b);
      return typeof p === "number" ? q - p : p.localeCompare(q);
    });
    body.append(...(down ? ordered : ordered.reverse()));
  });

// Light and dark: the system's, until somebody asks for the other.
const dark = matchMedia("(prefers-color-scheme: dark)"),
  root = document.documentElement;
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
const redress = () => {
  query(".theme").setAttribute("aria-pressed", String(isDark()));
  map.dress();
  map.later();
};
query(".theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  redress();
});
dark.addEventListener("change", redress);
let before = null;
window.addEventListener("beforeprint", () => {
  before = root.dataset.theme ?? "";
  root.dataset.theme = "light";
  map.dress();
  map.draw();
});
window.addEventListener("afterprint", () => {
  if (before) root.dataset.theme = before;
  else delete root.dataset.theme;
  redress();
});

// Figures are links in the file; the page draws the pictures, and saves one as PNG at twice its size.
function savePng(image, name) {
  const canvas = document.createElement("canvas");
  canvas.width = 2 * image.naturalWidth;
  canvas.height = 2 * image.naturalHeight;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name.replace(/svg$/, "png");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }, "image/png");
}
query("#figures details").addEventListener(
  "toggle",
  () => {
    for (const figure of queryAll("#figures figure")) {
      const image = new Image(),
        link = query("a", figure);
      image.src = link.href;
      image.alt = link.download;
      figure.prepend(image);
      query("button", figure).addEventListener("click", () => savePng(image, link.download));
    }
  },
  { once: true },
);

root.classList.add("alive");
redress();
const hashMatch = /^#cluster-(\d+)$/.exec(location.hash),
  at = hashMatch ? data.clusters.findIndex((c) => c.number === Number(hashMatch[1])) : -1;
if (at >= 0) select(at, true);
