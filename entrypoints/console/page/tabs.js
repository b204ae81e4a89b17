// Tabs by the pattern of WAI-ARIA: arrow keys, one stop in the order of focus.

import { h, newId } from "./dom.js";

// Creates a list of tabs over one panel; `onSelect` gets the id of the tab.
export function createTabs(items, { label, panel, onSelect }) {
  const tabs = items.map(({ id, title }) =>
    h("button", { type: "button", role: "tab", id: newId(`tab-${id}`), "aria-controls": panel.id, "data-id": id }, title),
  );
  const element = h("div", { class: "tabs", role: "tablist", "aria-label": label }, ...tabs);
  panel.setAttribute("role", "tabpanel");
  const select = (tab) => {
    for (const each of tabs) {
      each.setAttribute("aria-selected", String(each === tab));
      each.tabIndex = each === tab ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", tab.id);
    tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    onSelect(tab.dataset.id);
  };
  element.addEventListener("click", ({ target }) => target.role === "tab" && select(target));
  element.addEventListener("keydown", (event) => {
    const next = neighbour(tabs, event);
    if (!next) return;
    event.preventDefault();
    select(next);
    next.focus();
  });
  select(tabs[0]);
  return { element };
}

function neighbour(tabs, { key, target }) {
  const at = tabs.indexOf(target);
  const places = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 };
  return at >= 0 && key in places ? tabs.at(places[key] % tabs.length) : null;
}
