// A table of databases whose rows are updated in place, so that the focus stays where it is.

import { hasKey, send } from "./api.js";
import { copyButton } from "./clipboard.js";
import { foreign, h, readableText } from "./dom.js";
import { labelList } from "./labels.js";
import { can, session } from "./session.js";
import { expiryText, formatSize, stateBadge } from "./states.js";

// Creates a table; `onLabel` gets the text of a label that was clicked.
export function createTable({ onLabel }) {
  const body = h("tbody", { role: "rowgroup" });
  const columns = ["Name", "State", "Expires", "Size", ...(showsCallers() ? ["Caller"] : []), "Labels"];
  const head = h(
    "tr",
    { role: "row" },
    ...columns.map((name) => h("th", { role: "columnheader", scope: "col", "data-name": name.toLowerCase() }, name)),
    h("th", { role: "columnheader", scope: "col" }, h("span", { class: "visually-hidden" }, "Copy")),
  );
  const element = h(
    "table",
    { role: "table", class: "databases", "aria-label": "Databases" },
    h("thead", { role: "rowgroup" }, head),
    body,
  );
  const rows = new Map();
  return { element, draw: (records) => draw(element, rows, records, onLabel) };
}

function showsCallers() {
  return session.can_see_all && hasKey();
}

function draw(table, rows, records, onLabel) {
  const body = table.tBodies[0];
  table.classList.toggle("has-no-sizes", records.every((record) => typeof record.size !== "number"));
  const listed = new Set(records.map((record) => record.id));
  for (const [id, row] of rows) {
    if (listed.has(id)) continue;
    row.element.remove();
    rows.delete(id);
  }
  records.forEach((record, at) => {
    const row = rows.get(record.id) ?? createRow(record, onLabel);
    rows.set(record.id, row);
    row.update(record);
    if (body.children[at] !== row.element) body.insertBefore(row.element, body.children[at] ?? null);
  });
}

function cell(name, ...children) {
  return h("td", { role: "cell", "data-name": name }, ...children);
}

function createRow(record, onLabel) {
  const link = h("a", { href: `#/databases/${record.id}` }, foreign(record.nickname));
  const cells = {
    name: cell("name", link, record.database === record.nickname ? null : foreign(record.database, { class: "mono muted" })),
    state: cell("state"),
    expires: cell("expires"),
    size: cell("size"),
    ...(showsCallers() ? { caller: cell("caller", foreign(record.caller)) } : {}),
    labels: cell("labels"),
    copy: cell("copy"),
  };
  const element = h("tr", { role: "row" }, ...Object.values(cells));
  let shown = null;
  const update = (current) => {
    if (current === shown) return;
    shown = current;
    element.className = `is-${current.state}`;
    cells.state.replaceChildren(stateBadge(current));
    cells.expires.replaceChildren(expiryText(current));
    cells.size.replaceChildren(formatSize(current.size));
    cells.labels.replaceChildren(...labelList(current.labels, onLabel));
    drawCopy(cells.copy, current);
  };
  return { element, update };
}

// The button stays the same element while the database is ready: it may have the focus.
function drawCopy(place, record) {
  const isOffered = record.state === "ready" && can("read");
  if (!isOffered) place.replaceChildren();
  else if (!place.hasChildNodes()) place.append(copyUri(record));
}

// Creates a button that reads the connection, has its login checked, and copies the URI. If that
// fails, the details show why.
function copyUri(record) {
  const read = async () => (await send("GET", `v1/databases/${record.id}/connection?format=uri&verify=true`, { headers: { Accept: "*/*" } })).text();
  const open = () => {
    location.hash = `#/databases/${record.id}/connection`;
  };
  const what = `the URI of ${readableText(record.nickname)}`;
  return copyButton(read, { label: "URI", name: `Copy ${what}`, what, onFailure: open });
}
