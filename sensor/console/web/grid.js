// A list of any length of which only what is in sight exists: rows of one height, each placed by its number. One row is
// the keyboard's place in it (roving tabindex); arrows, Home, End and Page keys move it, Enter opens it.
import { eachFrame, h, put } from "./dom.js";

const BEYOND = 6; // rows above and below what is in sight

export class Grid {
  // columns: [{id, title, cell(row), key(row), end}]; rows are known by keyOf(row), which survives a new list.
  constructor({ label, columns, keyOf, open, chosen, sorted, className }) {
    Object.assign(this, { columns, keyOf, open, whenChosen: chosen, whenSorted: sorted });
    this.rows = [];
    this.place = 0;
    this.shown = new Map();
    this.sort = null;
    this.draw = eachFrame(() => this.paint());
    this.body = h("div", { class: "grid-body", role: "rowgroup" });
    this.head = h(
      "div",
      { class: "grid-head", role: "row", "aria-rowindex": 1 },
      columns.map(c => this.title(c)),
    );
    this.scroller = h("div", { class: "grid-scroll", role: "presentation", onscroll: () => this.draw() }, this.body);
    this.node = h(
      "div",
      {
        class: `grid ${className || ""}`,
        role: "grid",
        "aria-label": label,
        onkeydown: event => this.key(event),
      },
      h("div", { role: "rowgroup" }, this.head),
      this.scroller,
    );
    this.watch = new ResizeObserver(() => this.resized());
    this.watch.observe(this.scroller);
  }

  title(column) {
    if (!column.key) return h("div", { role: "columnheader", class: `c-${column.id}` }, column.title);
    const button = h("button", { type: "button", onclick: () => this.order(column.id) }, column.title);
    return h("div", { role: "columnheader", class: `c-${column.id}`, "data-sort": column.id }, button);
  }

  order(id, down) {
    const same = this.sort?.id === id;
    this.sort = { id, down: down ?? (same ? !this.sort.down : true) };
    for (const cell of this.head.querySelectorAll("[data-sort]")) {
      const on = cell.dataset.sort === id;
      cell.setAttribute("aria-sort", on ? (this.sort.down ? "descending" : "ascending") : "none");
    }
    this.set(this.rows);
    this.whenSorted?.(this.sort);
  }

  sorted(rows) {
    const column = this.sort && this.columns.find(c => c.id === this.sort.id);
    if (!column) return rows;
    const way = this.sort.down ? -1 : 1;
    const keyed = rows.map(row => [column.key(row), row]);
    keyed.sort(([a], [b]) => (a < b ? -way : a > b ? way : 0));
    return keyed.map(([, row]) => row);
  }

  // The place stays with its row, wherever that went.
  set(rows) {
    const at = this.rows[this.place] && this.keyOf(this.rows[this.place]);
    this.rows = this.sorted(rows);
    const place = at === undefined ? -1 : this.rows.findIndex(row => this.keyOf(row) === at);
    this.place = place >= 0 ? place : Math.max(0, Math.min(this.place, this.rows.length - 1));
    this.stale = true;
    this.node.setAttribute("aria-rowcount", this.rows.length + 1);
    this.draw();
  }

  get current() {
    return this.rows[this.place];
  }

  resized() {
    this.stale = true;
    this.draw();
  }

  measure() {
    const probe = getComputedStyle(this.node).getPropertyValue("--row");
    this.height = parseFloat(probe) * parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.body.style.height = `${this.rows.length * this.height}px`;
    this.head.style.marginRight = `${this.scroller.offsetWidth - this.scroller.clientWidth}px`;
  }

  paint() {
    if (this.stale) this.measure();
    const top = this.scroller.scrollTop,
      view = this.scroller.clientHeight;
    const first = Math.max(0, Math.floor(top / this.height) - BEYOND);
    const last = Math.min(this.rows.length, Math.ceil((top + view) / this.height) + BEYOND);
    const had = this.body.contains(document.activeElement);
    for (const [index, node] of this.shown)
      if (this.stale || index < first || index >= last) {
        if (index === this.place && had && !this.stale) continue; // the focus is not lost by scrolling away
        node.remove();
        this.shown.delete(index);
      }
    for (let index = first; index < last; index++) if (!this.shown.has(index)) this.make(index);
    this.stale = false;
    if (had && !this.body.contains(document.activeElement)) this.focus();
  }

  make(index) {
    const row = this.rows[index],
      on = index === this.place;
    const node = h(
      "div",
      {
        role: "row",
        class: "grid-row",
        "aria-rowindex": index + 2,
        tabindex: on ? 0 : -1,
        "aria-selected": on ? "true" : "false",
        "data-key": this.keyOf(row),
        onclick: () => this.move(index),
        ondblclick: () => this.open(row),
      },
      this.columns.map(c => h("div", { role: "gridcell", class: `c-${c.id}` }, c.cell(row))),
    );
    node.style.transform = `translateY(${index * this.height}px)`;
    // In the order of reading, whatever the order of making.
    let after = index + 1;
    while (after < index + 2 * BEYOND && !this.shown.has(after)) after++;
    const behind = this.shown.get(after) || [...this.shown].find(([i]) => i > index)?.[1];
    this.shown.set(index, node);
    this.body.insertBefore(node, behind || null);
  }

  move(to, focus = true) {
    const before = this.shown.get(this.place);
    before?.setAttribute("tabindex", "-1");
    before?.setAttribute("aria-selected", "false");
    this.place = Math.max(0, Math.min(to, this.rows.length - 1));
    if (this.rows.length === 0) return;
    this.reveal();
    const node = this.shown.get(this.place);
    node.setAttribute("tabindex", "0");
    node.setAttribute("aria-selected", "true");
    if (focus) node.focus({ preventScroll: true });
    this.whenChosen?.(this.current);
  }

  reveal() {
    const top = this.place * this.height,
      view = this.scroller.clientHeight;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + this.height > this.scroller.scrollTop + view) this.scroller.scrollTop = top + this.height - view;
    this.paint();
    if (!this.shown.has(this.place)) this.make(this.place);
  }

  focus() {
    if (this.rows.length === 0) return;
    this.reveal();
    this.shown.get(this.place)?.focus({ preventScroll: true });
  }

  key(event) {
    if (!this.body.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1);
    const to = {
      ArrowDown: this.place + 1,
      ArrowUp: this.place - 1,
      j: this.place + 1,
      k: this.place - 1,
      Home: 0,
      End: this.rows.length - 1,
      PageDown: this.place + page,
      PageUp: this.place - page,
    }[event.key];
    if (to !== undefined) this.move(to);
    else if (event.key === "Enter" && event.target.classList.contains("grid-row")) this.open(this.current);
    else return;
    event.preventDefault();
  }

  empty(text) {
    if (this.rows.length === 0) {
      for (const node of this.shown.values()) node.remove();
      this.shown.clear();
      put(this.body, h("div", { role: "row" }, h("div", { role: "gridcell", class: "grid-empty" }, text)));
      this.blank = true;
    } else if (this.blank) {
      put(this.body);
      this.blank = false;
    }
  }

  stop() {
    this.watch.disconnect();
  }
}
