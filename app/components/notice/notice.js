// What the last edit did, with Undo; and the keys Ctrl+Z and Ctrl+Shift+Z (Cmd on a Mac) anywhere on the page.

const DURATION = 10_000; // milliseconds until the notice goes, unless the pointer or the focus is on it
const SHOWN = new Map(); // the serial number shown last, by the component's root: outlives reruns
const CLEANUPS = new WeakMap();

function isTyping(event) {
  const target = event.composedPath()[0];
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable=true]") !== null;
}

function button(text, onClick, label = text) {
  const element = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  element.setAttribute("aria-label", label);
  element.addEventListener("click", onClick);
  return element;
}

function show(box, data, send) {
  const text = Object.assign(document.createElement("span"), { textContent: data.text });
  const hide = () => box.replaceChildren();
  const act = () => {
    hide();
    send(data.action.toLowerCase());
  };
  box.replaceChildren(text, button(data.action, act), button("✕", hide, "Dismiss"));
  let timer = setTimeout(hide, DURATION);
  const hold = () => clearTimeout(timer);
  const release = () => {
    clearTimeout(timer);
    timer = setTimeout(hide, DURATION / 2);
  };
  box.onpointerenter = hold;
  box.onpointerleave = release;
  box.onfocusin = hold;
  box.onfocusout = release;
}

export default function (component) {
  const { parentElement: root, data, setTriggerValue } = component;
  const box = root.querySelector(".notice"),
    send = (name) => setTriggerValue(name, true);
  CLEANUPS.get(root)?.abort();
  const off = new AbortController();
  CLEANUPS.set(root, off);
  document.addEventListener(
    "keydown",
    (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.defaultPrevented || isTyping(event)) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      box.replaceChildren();
      send(key === "y" || event.shiftKey ? "redo" : "undo");
    },
    { signal: off.signal },
  );
  if (data.serial && SHOWN.get("serial") !== data.serial) {
    SHOWN.set("serial", data.serial);
    show(box, data, send);
  }
  return () => off.abort();
}
