// Theme, ramps, label sprites, data unpacking: what the globe looks like and what it was given.
import { fitText } from "../../../gem_core/export/globe_modules/label_text.js";
import { mix, packed, parseHex } from "../../../gem_core/export/globe_modules/pixels.js";

const RAMP = [
  "#440154",
  "#482878",
  "#3e4989",
  "#31688e",
  "#26828e",
  "#1f9e89",
  "#35b779",
  "#6ece58",
  "#b5de2b",
  "#fde725",
];

// Packed colors for values 0..254 (255 = no value). Ends that would drown in the page's own color are cut off.
export function makeRamp(dark) {
  const stops = RAMP.map(parseHex),
    out = new Int32Array(256),
    lo = dark ? 0.2 : 0,
    hi = dark ? 1 : 0.9;
  for (let i = 0; i < 255; i++) {
    const t = (lo + ((hi - lo) * i) / 254) * (stops.length - 1),
      k = Math.min(stops.length - 2, Math.floor(t));
    out[i] = mix(stops[k], stops[k + 1], Math.round(256 * (t - k)));
  }
  out[255] = parseHex(dark ? "#475569" : "#b6c0cd");
  return out;
}

export function cssOf(color) {
  return `rgb(${color & 255}, ${(color >> 8) & 255}, ${(color >> 16) & 255})`;
}

// "rgb(…)" or "#…" from the style sheet, as a packed color
function cssColor(text, fallback) {
  const hex = /^#([0-9a-f]{6})/i.exec(text || "");
  if (hex) return parseHex(hex[0]);
  const rgb = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)/i.exec(text || "");
  return rgb ? packed(+rgb[1] | 0, +rgb[2] | 0, +rgb[3] | 0) : parseHex(fallback);
}

export function luminance(c) {
  return (0.2126 * (c & 255) + 0.7152 * ((c >> 8) & 255) + 0.0722 * ((c >> 16) & 255)) / 255;
}

// What Streamlit's theme says (its custom properties reach into the component), unless Python said dark or light.
export function readTheme(element, darkChoice) {
  const style = getComputedStyle(element),
    get = (name) => style.getPropertyValue(name).trim();
  const themePage = cssColor(get("--st-background-color"), "#ffffff"),
    themeDark = luminance(themePage) < 0.45;
  const dark = darkChoice === null || darkChoice === undefined ? themeDark : darkChoice;
  const page = dark === themeDark ? themePage : parseHex(dark ? "#0e1420" : "#ffffff");
  const accent = cssColor(get("--st-primary-color"), "#3b6fd4");
  return {
    dark,
    page,
    accent: cssOf(accent),
    font: get("--st-font") || "system-ui, sans-serif",
    text: dark ? "#e6ebf3" : "#172033",
    quiet: dark ? "#93a1b5" : "#5b6779",
    halo: dark ? "rgba(8, 13, 23, .82)" : "rgba(255, 255, 255, .9)",
    panel: dark ? "#1b2536" : "#ffffff",
    edge: dark ? "#33415a" : "#d5dce6",
    ink: parseHex(dark ? "#ffffff" : "#172033"),
    gray: parseHex(dark ? "#64748b" : "#94a3b8"),
    grid: parseHex(dark ? "#8fa3c0" : "#6b7c95"),
    gridAlpha: dark ? 34 : 38,
    ball: {
      page,
      inner: parseHex(dark ? "#212d42" : "#ffffff"),
      outer: parseHex(dark ? "#0a101c" : "#e3eaf3"),
      rim: parseHex(dark ? "#6f8db8" : "#8fa2bd"),
      rimAlpha: dark ? 120 : 96,
      halo: parseHex(dark ? "#4a6fae" : "#8fa6c8"),
      glow: dark ? 0.1 : 0.07,
      glowAlpha: dark ? 0.2 : 0.2,
      noise: 26,
    },
    dim: dark ? 0.15 : 0.13,
    hoverDim: 0.42,
  };
}

// One message from Python: length of the header (u32), header (JSON), arrays at offsets that are multiples of 4.
export function unpack(bytes) {
  const whole = bytes.byteOffset % 4 ? bytes.slice() : bytes;
  const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
  const length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(4, 4 + length)));
  const kinds = { i16: Int16Array, i32: Int32Array, u16: Uint16Array, u8: Uint8Array };
  return {
    header,
    array(name) {
      const [kind, offset, count] = header.arrays[name];
      return new kinds[kind](whole.buffer, whole.byteOffset + offset, count).slice();
    },
  };
}

export function directions(quantized) {
  const out = new Float32Array(quantized.length);
  for (let i = 0; i < out.length; i++) out[i] = quantized[i] / 32767;
  return out;
}

// A cluster's name drawn once; the frame only copies it. Text reaches the page through fillText alone.
export function labelSprite(text, color, theme, dpr, strong, room) {
  const canvas = document.createElement("canvas"),
    ctx = canvas.getContext("2d");
  const font = `${strong ? 700 : 600} ${12.5 * dpr}px ${theme.font}`,
    most = Math.min(190 * dpr, Math.max(90 * dpr, 0.26 * room));
  ctx.font = font;
  const visibleText = fitText(ctx, text, most);
  const dot = 7 * dpr,
    gap = 5 * dpr,
    pad = 5 * dpr;
  const wide = Math.ceil(ctx.measureText(visibleText).width + dot + gap + 2 * pad),
    high = Math.ceil(22 * dpr);
  canvas.width = wide;
  canvas.height = high;
  ctx.font = font;
  ctx.textBaseline = "middle";
  ctx.lineJoin = "round";
  ctx.lineWidth = 3.6 * dpr;
  const mid = high / 2;
  if (strong) {
    ctx.fillStyle = theme.panel;
    ctx.strokeStyle = color;
    ctx.lineWidth = 1.2 * dpr;
    ctx.beginPath();
    ctx.roundRect(dpr, dpr, wide - 2 * dpr, high - 2 * dpr, high / 2);
    ctx.fill();
    ctx.stroke();
  } else {
    ctx.strokeStyle = theme.halo;
    ctx.strokeText(visibleText, pad + dot + gap, mid + 0.5 * dpr);
    ctx.fillStyle = theme.halo;
    ctx.beginPath();
    ctx.arc(pad + dot / 2, mid, dot / 2 + 1.6 * dpr, 0, 7);
    ctx.fill();
  }
  ctx.fillStyle = color;
  ctx.beginPath();
  ctx.arc(pad + dot / 2 + (strong ? dpr : 0), mid, dot / 2, 0, 7);
  ctx.fill();
  ctx.fillStyle = theme.text;
  ctx.fillText(visibleText, pad + dot + gap, mid + 0.5 * dpr);
  return canvas;
}

export function number(n) {
  return Number(n).toLocaleString("en-US");
}
