// The strip: a bar of pieces as wide as clusters are large, a second one for a selection. Names are put in as text.

const STRIPS = new WeakMap();
const NARROW = 0.06; // of the width: a group that has less is not named under the bar
const MANY = 120; // pieces without gaps between them, so that the bar fits into its box on a phone too
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

const make = (tag, text = "") => Object.assign(document.createElement(tag), { textContent: text });

class Strip {
  constructor(root) {
    this.box = root.querySelector(".strip");
    this.bars = root.querySelector(".bars");
    this.groups = root.querySelector(".groups");
    this.tip = root.querySelector(".tip");
    this.shape = "";
    this.bars.addEventListener("click", (event) => this.pick(event.target, event.shiftKey || event.ctrlKey || event.metaKey));
    this.groups.addEventListener("click", (event) => this.isolate(event.target.closest("button")?.numbers));
    this.groups.addEventListener("keydown", (event) => this.walkGroups(event));
    this.bars.addEventListener("keydown", (event) => this.walk(event));
    for (const kind of ["pointerover", "focusin"]) this.bars.addEventListener(kind, (event) => this.say(event.target));
    for (const kind of ["pointerleave", "focusout"])
      this.bars.addEventListener(kind, () => {
        this.tip.hidden = true;
      });
  }

  update({ data, setTriggerValue }) {
    this.data = data;
    this.send = setTriggerValue;
    const shape = `${data.bars.length} ${data.pieces.length}`;
    if (shape !== this.shape) this.build();
    this.shape = shape;
    const picked = data.pieces.findIndex((piece) => piece.number === data.selected);
    const reached =
      picked >= 0
        ? picked
        : Math.max(
            0,
            this.buttons[0].findIndex((button) => button.tabIndex === 0),
          );
    this.box.classList.toggle("two", data.bars.length > 1);
    this.bars.classList.toggle("picked", picked >= 0);
    this.bars.classList.toggle("many", data.pieces.length > MANY);
    this.isolated = new Set(data.isolated);
    this.bars.classList.toggle("isolated", this.isolated.size > 0);
    this.bars.setAttribute("aria-label", data.what);
    data.bars.forEach((bar, row) => {
      data.pieces.forEach((piece, at) => {
        const button = this.buttons[row][at];
        button.style.flexGrow = bar.shares[at];
        button.style.setProperty("--color", piece.color);
        button.hidden = row > 0 && bar.shares[at] === 0;
        button.setAttribute("aria-pressed", String(at === picked));
        button.classList.toggle("in", this.isolated.has(piece.number));
        button.setAttribute("aria-label", `${piece.name}: ${this.share(row, at)}`);
        button.tabIndex = row === 0 && at === reached ? 0 : -1;
      });
    });
    this.name();
  }

  build() {
    this.tip.hidden = true;
    this.buttons = this.data.bars.map((_, row) =>
      this.data.pieces.map((_, at) => Object.assign(make("button"), { type: "button", at, row })),
    );
    this.bars.replaceChildren(
      ...this.buttons.map((buttons, row) => {
        const bar = Object.assign(make("div"), { className: "bar" });
        bar.append(...(this.data.bars.length > 1 ? [make("span", this.data.bars[row].name)] : []), ...buttons);
        return bar;
      }),
    );
  }

  name() {
    let left = 0;
    const names = [];
    for (const group of this.data.groups) {
      if (group.share >= NARROW) {
        const name = Object.assign(make("button", group.name), { type: "button", numbers: group.numbers });
        const alone = group.numbers.every((number) => this.isolated.has(number));
        name.title = `${group.name}: ${alone ? "show with the others" : "show alone"}`;
        name.setAttribute("aria-pressed", String(alone));
        name.tabIndex = names.length ? -1 : 0;
        name.style.left = `${100 * left}%`;
        name.style.width = `${100 * group.share}%`;
        names.push(name);
      }
      left += group.share;
    }
    this.groups.replaceChildren(...names);
  }

  share(row, at) {
    const bar = this.data.bars[row];
    return `${(100 * bar.shares[at]).toFixed(1)}% ${bar.of}`;
  }

  // A click opens a cluster; with Shift, Ctrl or Command it adds the cluster to those that are shown alone.
  pick(button, adds) {
    if (button.at === undefined) return;
    const { number } = this.data.pieces[button.at];
    if (adds) this.isolate([number]);
    else this.send("pick", number);
  }

  isolate(numbers) {
    if (numbers) this.send("isolate", numbers);
  }

  walkGroups(event) {
    const buttons = [...this.groups.children],
      next = buttons[buttons.indexOf(event.target) + STEPS[event.key]];
    if (STEPS[event.key] === undefined) return;
    event.stopPropagation();
    event.preventDefault();
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  walk(event) {
    const { row, at } = event.target,
      step = STEPS[event.key];
    if (at === undefined || step === undefined) return;
    event.stopPropagation(); // arrows step through documents elsewhere on the page
    event.preventDefault();
    let next = at + step;
    while (this.buttons[row][next]?.hidden) next += step;
    const button = this.buttons[row][next];
    if (!button) return;
    event.target.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  }

  say(button) {
    if (button.at === undefined) return;
    this.tip.replaceChildren(
      make("b", this.data.pieces[button.at].name),
      make("span", this.share(button.row, button.at)),
    );
    this.tip.hidden = false;
    const middle = button.offsetLeft + button.offsetWidth / 2,
      wide = this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(this.box.offsetWidth - wide, middle - wide / 2))}px`;
  }
}

export default function (component) {
  const root = component.parentElement;
  let strip = STRIPS.get(root);
  if (!strip?.box.isConnected) {
    strip = new Strip(root);
    STRIPS.set(root, strip);
  }
  strip.update(component);
}
