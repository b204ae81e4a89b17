// Shows the calls of openapi.json by tag, and sends them. The key is only kept in the page's memory.
import { h } from "../console/dom.js";
import { call } from "./calls.js";
import { badge, prose } from "./elements.js";
import { members, useSchemas } from "./schemas.js";

const find = (id) => document.getElementById(id);

function callsOf(described, tag) {
  return Object.entries(described.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => ({ path, method, operation })));
}

function section(described, { name, description }) {
  const calls = callsOf(described, name).map(({ path, method, operation }) =>
    call(path, method, operation, () => find("key").value));
  return h("section", { id: `tag-${name}` }, h("h2", {}, name), h("p", {}, prose(description)), calls);
}

function contents(described, { name }) {
  const links = callsOf(described, name).map(({ method, operation }) =>
    h("li", {}, h("a", { href: `#${operation.operationId}` }, badge(method), operation.summary)));
  return h("section", {}, h("h2", {}, name), h("ul", {}, links));
}

function schemaSection(schemas) {
  const entries = Object.entries(schemas).map(([name, schema]) =>
    h("details", { id: name }, h("summary", {}, h("h3", {}, name)), h("p", {}, prose(schema.description)), members(schema)));
  return h("section", { id: "schemas" }, h("h2", {}, "Schemas"), entries);
}

// Opens the entry that the address names.
function openEntry() {
  const entry = find(location.hash.slice(1));
  if (!(entry instanceof HTMLDetailsElement)) return;
  entry.open = true;
  entry.scrollIntoView();
}

// Keeps the address in step with the entry that was opened last.
function rememberEntry({ target }) {
  if (target.open && target.id && `#${target.id}` !== location.hash) history.replaceState(null, "", `#${target.id}`);
}

function filterCalls() {
  const words = find("filter").value.toLowerCase().split(/\s+/);
  for (const each of document.querySelectorAll("details.call")) {
    const text = `${each.id} ${each.firstElementChild.textContent}`.toLowerCase();
    each.hidden = !words.every((word) => text.includes(word));
    document.querySelector(`nav a[href="#${each.id}"]`).parentElement.hidden = each.hidden;
  }
  for (const each of document.querySelectorAll("nav section, main > section:not(#schemas)"))
    each.hidden = !each.querySelector("li:not([hidden]), details.call:not([hidden])");
}

async function main() {
  const response = await fetch("openapi.json");
  const described = await response.json();
  useSchemas(described.components.schemas);
  find("release").textContent = described.info.version;
  find("about").replaceChildren(...prose(described.info.description));
  find("calls").append(...described.tags.map((tag) => section(described, tag)),
                       schemaSection(described.components.schemas));
  find("contents").append(...described.tags.map((tag) => contents(described, tag)));
  find("filter").addEventListener("input", filterCalls);
  find("calls").addEventListener("toggle", rememberEntry, true);
  addEventListener("hashchange", openEntry);
  openEntry();
}

main().catch((error) => {
  find("about").textContent = `openapi.json did not load: ${error.message}. Reload the page.`;
});
