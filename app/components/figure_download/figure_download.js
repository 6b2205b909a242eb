// Saves a figure: an SVG as it came, a PNG drawn from it at twice its size, or a chart of the page by Plotly.

const FIGURES = new WeakMap(); // root -> what is shown
const SCALE = 2;

function save(blob, name) {
  const link = document.createElement("a"),
    address = URL.createObjectURL(blob);
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function savePng(image, name) {
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * image.naturalWidth;
  canvas.height = SCALE * image.naturalHeight;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => save(blob, `${name}.png`), "image/png");
}

// Plotly puts a link on the page and clicks it; to the menu around the chart that would be a click outside, which closes
// it and takes the chart away before Plotly has finished.
function keepMenuOpen() {
  const stop = (event) => {
    if (!event.target.download) return;
    event.stopImmediatePropagation();
    window.removeEventListener("click", stop, true);
  };
  window.addEventListener("click", stop, true);
}

// Plotly's own button makes the file, in the format and size that stand in the chart's options when it is pressed.
function saveChart(format, { container, width, height }) {
  const chart = document.querySelector(`.st-key-${CSS.escape(container)} .js-plotly-plot`),
    scale = format === "png" ? SCALE : 1;
  Object.assign(chart._context.toImageButtonOptions, { format, width, height, scale });
  keepMenuOpen();
  chart.querySelector(".modebar-btn").click();
}

function showSvg(root, data) {
  const image = root.querySelector("img"),
    shown = FIGURES.get(root);
  if (shown?.svg === data.svg) return;
  if (shown) URL.revokeObjectURL(shown.address);
  const blob = new Blob([data.svg], { type: "image/svg+xml" }),
    address = URL.createObjectURL(blob);
  FIGURES.set(root, { svg: data.svg, address });
  image.hidden = false;
  image.src = address;
  image.alt = data.alt;
  root.querySelector("[data-kind=svg]").onclick = () => save(blob, `${data.name}.svg`);
  root.querySelector("[data-kind=png]").onclick = () => savePng(image, data.name);
}

export default function (component) {
  const { parentElement: root, data } = component;
  if (data.svg) {
    showSvg(root, data);
    return;
  }
  for (const button of root.querySelectorAll("button")) button.onclick = () => saveChart(button.dataset.kind, data);
}
