// Tables of a length that people read: sorted by their heads, a caption for who cannot see where they stand.
import { h, put } from "./dom.js";

// columns: [{title, cell(row), key(row), end, hide}]; key: by what it can be sorted.
export function table({ caption, columns, rows, sort, empty, className }) {
  const body = h("tbody");
  let order = sort || null; // {at: column, down}

  const cells = row =>
    h(
      "tr",
      { class: columns.mark?.(row) },
      columns.map((c, i) =>
        h(
          i === 0 ? "th" : "td",
          { scope: i === 0 ? "row" : null, class: classOf(c), "data-title": c.title },
          c.cell(row),
        ),
      ),
    );

  function draw(list) {
    const column = order && columns[order.at],
      way = order?.down ? -1 : 1;
    const sorted = column
      ? [...list].sort((a, b) => {
          const one = column.key(a),
            other = column.key(b);
          return one < other ? -way : one > other ? way : 0;
        })
      : list;
    if (sorted.length) put(body, sorted.map(cells));
    else put(body, h("tr", {}, h("td", { colspan: columns.length, class: "empty" }, empty || "–")));
    heads.forEach(
      (head, i) =>
        columns[i].key &&
        head.setAttribute("aria-sort", order?.at === i ? (order.down ? "descending" : "ascending") : "none"),
    );
  }

  const turn = i => {
    order = { at: i, down: order?.at === i ? !order.down : true };
    draw(rows);
  };
  const heads = columns.map((c, i) =>
    h(
      "th",
      { scope: "col", class: classOf(c) },
      c.key ? h("button", { type: "button", onclick: () => turn(i) }, c.title) : c.title,
    ),
  );
  const node = h(
    "div",
    { class: `table ${className || ""}`, tabindex: 0, role: "group", "aria-label": caption },
    h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, heads)), body),
  );
  draw(rows);
  return {
    node,
    set(list) {
      rows = list;
      draw(rows);
    },
  };
}

const classOf = column => [column.end ? "end" : "", column.className || ""].join(" ").trim() || null;

// What a figure shows, as a table to unfold beneath it.
export const folded = (title, columns, rows, caption) =>
  h("details", { class: "folded" }, h("summary", {}, title), table({ caption, columns, rows }).node);

export const facts = pairs =>
  h(
    "dl",
    { class: "facts" },
    pairs.filter(Boolean).map(([title, value]) => h("div", {}, h("dt", {}, title), h("dd", {}, value))),
  );
