// Elements. Data becomes text nodes and attributes only, never markup.

const SVG = "http://www.w3.org/2000/svg";

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "readOnly", "selected"]);

// Creates an element. `onclick` and the like are listeners, false and null leave an attribute out.
export function h(tag, attributes = {}, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") created.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) created[name] = value;
    else if (value !== null && value !== undefined && value !== false)
      created.setAttribute(name, value === true ? "" : value);
  }
  created.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return created;
}

const ICONS = {
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  check: "M2.5 8.5l3.5 3.5 7.5-8",
  eye: "M1 8s2.5-4.5 7-4.5S15 8 15 8s-2.5 4.5-7 4.5S1 8 1 8zM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  warning: "M8 2L1.5 13.5h13zM8 6.5v3.5M8 11.8v.4",
  chevron: "M6 3.5L10.5 8 6 12.5",
  plus: "M8 3v10M3 8h10",
  down: "M4 6.5L8 10.5l4-4",
};

// Creates a decorative icon; the control that holds it has a name of its own.
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

const INVISIBLE = /([\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}])/u;

// Returns nodes that show foreign text as it is: characters that are invisible, or that change the
// direction of writing, appear as their code points.
export function readable(text) {
  const parts = String(text).split(INVISIBLE).filter((part) => part !== "");
  return parts.map((part) => (INVISIBLE.test(part) ? h("span", { class: "odd" }, codePoint(part)) : part));
}

// Returns foreign text as `readable` shows it, for what holds no nodes: attributes, options.
export function readableText(text) {
  return readable(text)
    .map((part) => part.textContent ?? part)
    .join("");
}

function codePoint(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

// Returns foreign text in an element that isolates its direction of writing.
export function foreign(text, attributes = {}) {
  return h("bdi", attributes, ...readable(text));
}

let lastId = 0;

export function newId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

// Returns a labelled field; `hint` explains it and `input` is the control.
export function field(label, input, hint = null) {
  input.id ||= newId("field");
  const note = hint && h("small", { id: newId("hint"), class: "hint" }, hint);
  if (note) input.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input, note);
}

export function checkbox(label, attributes = {}) {
  const input = h("input", { type: "checkbox", ...attributes });
  return { input, element: h("label", { class: "check" }, input, label) };
}

export function select(options, attributes = {}) {
  return h("select", attributes, ...options.map(([value, label]) => h("option", { value }, label)));
}
