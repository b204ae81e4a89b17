// Plain tables, which become cards on narrow screens.

import { h } from "./dom.js";

// Creates a table of cells that are texts or nodes.
export function simpleTable(label, columns, rows) {
  const head = columns.map((name) => h("th", { role: "columnheader", scope: "col" }, name || h("span", { class: "visually-hidden" }, "Actions")));
  const body = rows.map((cells) =>
    h("tr", { role: "row" }, ...cells.map((content, at) => h("td", { role: "cell", "data-label": columns[at] }, content))),
  );
  return h(
    "table",
    { role: "table", class: "plain", "aria-label": label },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...head)),
    h("tbody", { role: "rowgroup" }, ...body),
  );
}

// Creates a list that is read page by page: `read(token)` returns {items, next}, `render(items)` an
// element.
export function pagedList({ read, render, onError }) {
  const place = h("div", { class: "view-body" });
  const more = h("button", { type: "button", class: "button", hidden: true }, "Show more");
  const state = { items: [], token: "", load: 0 };
  const next = async () => {
    const load = state.load;
    more.disabled = true;
    try {
      const { items, next: token } = await read(state.token);
      if (load !== state.load) return;
      state.items.push(...items);
      state.token = token;
      place.replaceChildren(render(state.items));
      more.hidden = !token;
    } catch (error) {
      place.append(onError(error, next));
    } finally {
      more.disabled = false;
    }
  };
  const reload = () => {
    Object.assign(state, { items: [], token: "", load: state.load + 1 });
    place.replaceChildren();
    return next();
  };
  more.addEventListener("click", next);
  return { element: h("div", {}, place, h("div", { class: "pager" }, more)), reload };
}
