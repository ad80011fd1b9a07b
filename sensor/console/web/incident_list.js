// The incidents that the engine knows, page by page, and what of them is asked for.
import { ask } from "./api.js";

const PAGE = 200,
  MOST = 5000;

// All that there are, or the gravest MOST; `some(rows, total)` hears of each page.
export async function load(signal, some) {
  const rows = [];
  let total = 1;
  while (rows.length < Math.min(total, MOST)) {
    const page = await ask(`/v1/incidents?offset=${rows.length}&limit=${PAGE}`, { signal });
    total = page.total;
    if (page.incidents.length === 0) break; // fewer than a moment ago
    for (const row of page.incidents) rows.push(ready(row));
    some?.(rows, total);
  }
  return { rows, total: Math.max(total, rows.length) };
}

// What is searched is made once, not with each letter that is typed.
function ready(row) {
  row.words = [row.id, `inc-${row.id.slice(0, 6)}`, row.host, row.sight, row.destination, ...(row.rules || [])]
    .filter(Boolean)
    .join(" ")
    .toLowerCase();
  row.state = stateOf(row);
  return row;
}

export function stateOf(row) {
  if (row.mark?.closed) return "closed";
  if (row.mark?.acknowledged) return "acknowledged";
  return row.active === false ? "ended" : "open";
}

export function fits(row, asked) {
  if (
    asked.state === "todo"
      ? row.state === "closed" || row.state === "acknowledged"
      : asked.state !== "all" && row.state !== asked.state
  )
    return false;
  if (asked.urgency !== "all" && row.urgency !== asked.urgency) return false;
  if (row.score < asked.score) return false;
  return asked.words.every(word => row.words.includes(word));
}
