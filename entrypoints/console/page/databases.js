// The view of databases: the form, the filter, the list and its pages.

import { addressOf, hasKey } from "./api.js";
import { copyButton } from "./clipboard.js";
import { createForm } from "./create.js";
import { checkbox, h } from "./dom.js";
import { formatLabels, isLabel } from "./labels.js";
import { problemNotice } from "./notices.js";
import { createTable } from "./rows.js";
import { can } from "./session.js";
import { store } from "./store.js";

const PAGE_SIZE = 50;
const PAUSE = 300;

// Creates the view. `useTemplate` fills in the form.
export function createDatabasesView() {
  const form = can("create") ? createForm() : null;
  const list = can("read") ? createList(form) : { element: h("p", { class: "hint" }, "This key can create databases, but not list them."), stop() {} };
  const element = h("div", {}, form?.element, list.element);
  const stop = () => [form, list].forEach((part) => part?.stop());
  return { element, stop, useTemplate: (id) => form?.useTemplate(id) };
}

function createList(form) {
  const state = { page: 0, text: "" };
  const filter = h("input", { type: "search", placeholder: "Filter by name, or label team=web", "aria-label": "Filter by name or label", autocomplete: "off", spellcheck: "false" });
  const gone = checkbox("Show deleted", { checked: store.withGone });
  const count = h("p", { class: "count muted", role: "status" });
  const place = h("div", {});
  const problem = h("div", { class: "problem" });
  const pager = h("nav", { class: "pager", "aria-label": "Pages" });
  const choose = (text) => {
    filter.value = text;
    filter.dispatchEvent(new Event("input"));
    filter.focus();
  };
  const table = createTable({ onLabel: choose });
  const draw = () => drawList({ state, table, place, pager, count, form, draw });
  filter.addEventListener("input", () => {
    Object.assign(state, { page: 0, text: filter.value.trim() });
    draw();
    searchSoon(state, problem);
  });
  gone.input.addEventListener("change", async () => {
    store.withGone = gone.input.checked;
    draw();
    problem.replaceChildren();
    await store.load().catch((error) => problem.replaceChildren(problemNotice(error)));
  });
  const toolbar = h("div", { class: "toolbar" }, filter, gone.element, count);
  store.addEventListener("change", draw);
  draw();
  return {
    element: h("section", { class: "list", "aria-label": "Databases" }, toolbar, problem, place, pager),
    stop: () => {
      clearTimeout(state.timer);
      store.removeEventListener("change", draw);
    },
  };
}

// Asks the service for what is not loaded, when the typing pauses.
function searchSoon(state, problem) {
  clearTimeout(state.timer);
  problem.replaceChildren();
  if (!state.text || store.isComplete) return;
  const parameter = isLabel(state.text) ? ["label", state.text] : ["nickname", state.text];
  state.timer = setTimeout(() => {
    store.search([parameter]).catch((error) => problem.replaceChildren(problemNotice(error)));
  }, PAUSE);
}

function matches(record, text) {
  if (!text) return true;
  if (isLabel(text)) return formatLabels(record.labels).split(" ").includes(text);
  const lower = text.toLowerCase();
  return [record.nickname, record.database, record.id, record.caller, formatLabels(record.labels)].some((each) => each.toLowerCase().includes(lower));
}

function drawList({ state, table, place, pager, count, form, draw }) {
  const all = store.list();
  const found = all.filter((record) => matches(record, state.text));
  const pages = Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  state.page = Math.min(state.page, pages - 1);
  table.draw(found.slice(state.page * PAGE_SIZE, (state.page + 1) * PAGE_SIZE));
  const shown = found.length ? table.element : emptyState(state, all, form);
  if (place.firstChild !== shown) place.replaceChildren(...[shown].filter(Boolean));
  setText(count, describeCount(state, all, found));
  drawPager(pager, state, pages, draw);
}

function describeCount({ text }, all, found) {
  if (!store.isLoaded) return "Loading\u2026";
  const more = store.isComplete ? "" : ", the newest";
  const total = `${all.length} ${all.length === 1 ? "database" : "databases"}${more}`;
  return text ? `${found.length} of ${total}` : total;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function drawPager(pager, state, pages, draw) {
  pager.hidden = pages < 2;
  const key = `${state.page}/${pages}`;
  if (pager.dataset.key === key) return;
  pager.dataset.key = key;
  const go = (step) => () => {
    state.page += step;
    draw();
    pager.querySelector(step > 0 ? "button:last-of-type" : "button")?.focus();
  };
  pager.replaceChildren(
    h("button", { type: "button", class: "button", disabled: state.page === 0, onclick: go(-1) }, "Newer"),
    h("span", {}, `Page ${state.page + 1} of ${pages}`),
    h("button", { type: "button", class: "button", disabled: state.page >= pages - 1, onclick: go(1) }, "Older"),
  );
}

function emptyState(state, all, form) {
  if (!store.isLoaded) return null;
  if (all.length) return h("p", { class: "empty" }, "No database matches the filter.");
  const first = h("button", { type: "button", class: "button is-primary", onclick: () => form.name.focus() }, "Create the first database");
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "No databases yet"),
    h("p", {}, "Give it a name; it is ready in a moment, with a login that works."),
    form && first,
    h("p", { class: "hint" }, "Or from a terminal:"),
    curlLine(),
  );
}

function curlLine() {
  const key = hasKey() ? ` -H "Authorization: Bearer $PGVEND_KEY"` : "";
  const line = `curl ${addressOf("v1/databases").href}${key} --json '{"nickname": "webshop"}'`;
  return h("div", { class: "curl" }, h("pre", { tabindex: "0", "aria-label": "curl" }, line), copyButton(() => line, { what: "the command", isSmall: true }));
}
