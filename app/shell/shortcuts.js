// What only the browser can do: focus the search on "/", step through documents, copy the address; the pulse.
const LISTENING = new WeakMap();

function press(name) {
  const buttons = [...document.querySelectorAll(`[class*="st-key-${name}"] button`)];
  const button = buttons.find((b) => !b.disabled && b.offsetParent !== null);
  if (button) button.click();
  return Boolean(button);
}

function search() {
  const fields = [...document.querySelectorAll("[class*='st-key-explore_query'] input, input[type=search]")];
  const field = fields.find((f) => f.offsetParent !== null);
  if (!field) return false;
  field.focus();
  field.select();
  return true;
}

// Somebody who types, or has a dialog, a list or a popover open, means that and not the page.
function busy(target) {
  if (target instanceof Element && target.closest("input, textarea, select, [contenteditable=true], [role=listbox]"))
    return true;
  return document.querySelector("[role=dialog], [data-testid=stPopoverBody], [role=listbox]") !== null;
}

const KEYS = {
  "/": search,
  "?": () => press("help_open"),
  j: () => press("reader_next"),
  k: () => press("reader_previous"),
  ArrowRight: () => press("reader_next"),
  ArrowLeft: () => press("reader_previous"),
  Escape: () => press("panel_back") || press("taxonomy_back"),
};

// Arrow keys belong to what has the focus: sliders, tabs, tables, the globe.
function usesArrows(event) {
  const path = event.composedPath();
  return (
    event.key.startsWith("Arrow") &&
    path.some(
      (p) =>
        p instanceof Element &&
        p.matches(
          "[role=slider], [role=tab], [role=grid], [role=application], [role=radiogroup], canvas, [data-testid=stDataFrame]",
        ),
    )
  );
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

const TIMERS = new WeakMap();
const AGAIN = 100; // ms
const PATIENCE = 6000; // ms in which a press must have started a run, or it starts none
const HAND = 400; // ms after the pointer pointerTime: a press may follow
let pressTime = -PATIENCE; // when a press was made that no run has answered yet
let pointerTime = -HAND;
let beating = false; // a beat's own run has not been seen yet: it answers no press

const running = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState !== "notRunning";

for (const kind of ["pointerdown", "click", "keydown", "input"]) {
  document.addEventListener(
    kind,
    () => {
      pressTime = performance.now();
    },
    { capture: true, passive: true },
  );
}
document.addEventListener(
  "pointermove",
  () => {
    pointerTime = performance.now();
  },
  { capture: true, passive: true },
);
new MutationObserver(() => {
  if (!running()) return;
  if (!beating) pressTime = -PATIENCE;
  beating = false;
}).observe(document.body, { subtree: true, attributeFilter: ["data-test-script-state"] });

// Asks for another run of a fragment every so often, but never while a run is under way or a press may be on its way to
// the server: a request of the page that is being left makes the server forget the one that was asked for, and one that
// comes while a fragment runs makes Streamlit tell the browser that the fragment broke off, so what it left out stays.
window.gemPulse = ({ parentElement, data, setTriggerValue }) => {
  const later = (wait) => {
    clearTimeout(TIMERS.get(parentElement));
    TIMERS.set(parentElement, setTimeout(beat, wait));
  };
  const beat = () => {
    if (!parentElement.isConnected) return;
    const now = performance.now();
    const visible = document.visibilityState === "visible" || data.hidden;
    const free = !running() && visible && now - pressTime > PATIENCE && now - pointerTime > HAND;
    if (free) {
      beating = true;
      setTriggerValue("beat", true);
    }
    later(free ? 1000 * data.seconds : AGAIN);
  };
  later(1000 * data.seconds);
  return () => clearTimeout(TIMERS.get(parentElement));
};

export default function (component) {
  const root = component.parentElement;
  const turn = (LISTENING.get(root)?.turn ?? 0) + 1;
  LISTENING.get(root)?.off.abort();
  const off = new AbortController(),
    signal = off.signal;
  LISTENING.set(root, { off, turn });
  document.addEventListener(
    "keydown",
    (e) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || !KEYS[e.key] || busy(e.target) || usesArrows(e))
        return;
      if (KEYS[e.key]()) e.preventDefault();
    },
    { signal },
  );
  document.addEventListener(
    "click",
    (e) => {
      if (e.target instanceof Element && e.target.closest("[class*='st-key-copylink'] button")) copy(location.href);
    },
    { signal, capture: true },
  );
  document.body.dataset.keys = "heard"; // a test waits for it
  return () => off.abort();
}
