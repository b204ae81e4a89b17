// Creates elements; texts from elsewhere become text nodes, never markup.

export function element(name, properties = {}, ...children) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...children);
  return created;
}

// Returns the text as nodes: what is between backticks is code.
export function prose(text = "") {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

export function table(head, rows) {
  const headings = head.map((text) => element("th", { scope: "col" }, text));
  return element("table", {}, element("tr", {}, ...headings),
                 ...rows.map((cells) => element("tr", {}, ...cells.map((nodes) => element("td", {}, ...nodes)))));
}

export function method(name) {
  return element("b", { className: `method ${name}` }, name.toUpperCase());
}
