// Saves a figure: the SVG as it came, or a PNG drawn from it at twice its size.

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

export default function (component) {
  const { parentElement: root, data } = component,
    image = root.querySelector("img"),
    shown = FIGURES.get(root);
  if (shown?.svg === data.svg) return;
  if (shown) URL.revokeObjectURL(shown.address);
  const blob = new Blob([data.svg], { type: "image/svg+xml" }),
    address = URL.createObjectURL(blob);
  FIGURES.set(root, { svg: data.svg, address });
  image.src = address;
  image.alt = data.alt;
  root.querySelector("[data-kind=svg]").onclick = () => save(blob, `${data.name}.svg`);
  root.querySelector("[data-kind=png]").onclick = () => savePng(image, data.name);
}
