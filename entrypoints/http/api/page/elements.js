// Creates elements of this page; texts from elsewhere become text nodes, never markup.
import { h } from "../console/dom.js";

// Returns the text as nodes: what is between backticks is code.
export function prose(text = "") {
  return text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

export function table(head, rows) {
  const headings = head.map((text) => h("th", { scope: "col" }, text));
  return h("table", {}, h("tr", {}, headings), rows.map((cells) => h("tr", {}, cells.map((nodes) => h("td", {}, nodes)))));
}

// Creates an entry that is folded at first.
export function folded(title, ...children) {
  return h("details", {}, h("summary", {}, title), children.flat());
}

export function badge(method) {
  return h("b", { class: `method ${method}` }, method.toUpperCase());
}
