// The form that creates a database: one click makes one database.

import { call, newIdempotencyKey } from "./api.js";
import { creationCard } from "./creation.js";
import { field, h, icon, select } from "./dom.js";
import { durationChoice } from "./durations.js";
import { parseLabels } from "./labels.js";
import { guarded, problemNotice } from "./notices.js";
import { can } from "./session.js";
import { store } from "./store.js";

const SERVICE_DEFAULT = "";

const MAX_CARDS = 5;

// Creates the form with the place of its results. `useTemplate` fills it in, `stop` leaves the results.
export function createForm() {
  const parts = createParts();
  const { form, results, problem, button, name } = parts;
  const request = { key: "", text: "" };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(parts, request);
  });
  name.addEventListener("input", () => problem.replaceChildren());
  const element = h("section", { class: "create", "aria-label": "Create a database" }, form, problem, results);
  const stop = () => parts.cards.forEach((card) => card.stop());
  return { element, name, button, stop, useTemplate: parts.useTemplate };
}

function createParts() {
  const name = h("input", { type: "text", name: "nickname", maxlength: 256, autocomplete: "off", placeholder: "webshop", required: true });
  const lifetime = durationChoice({ last: [[SERVICE_DEFAULT, "default"]] });
  const labels = h("input", { type: "text", name: "labels", class: "mono", autocomplete: "off", placeholder: "team=web class=sql101" });
  const template = select([["", "none"]], { name: "template" });
  const labelsField = fold("labels", field("Labels", labels, "key=value, separated by spaces"), labels);
  const templateField = fold("template", field("Template", template, "The database becomes a copy of it"), template, () => loadTemplates(template));
  const button = h("button", { class: "button is-primary" }, "Create");
  const form = h(
    "form",
    { class: "create-form", novalidate: true },
    field("Name", name),
    h("div", { class: "field" }, h("label", { for: (lifetime.choice.id = "lifetime") }, "Expires in"), lifetime.element),
    h("div", { class: "folds" }, labelsField.toggle, can("read") && templateField.toggle),
    button,
    labelsField.element,
    templateField.element,
  );
  const useTemplate = async (wanted) => {
    templateField.open();
    await loadTemplates(template);
    template.value = wanted;
    name.focus();
  };
  const [problem, results] = [h("div", { class: "problem" }), h("div", { class: "results" })];
  return { form, name, lifetime, labels, template, button, problem, results, useTemplate, cards: [] };
}

// Creates a button that unfolds a field of the form.
function fold(title, element, input, onOpen = () => {}) {
  const toggle = h("button", { type: "button", class: "button is-quiet", "aria-expanded": "false" }, icon("plus"), title);
  element.hidden = true;
  const set = (isOpen) => {
    element.hidden = !isOpen;
    toggle.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) onOpen();
    else input.value = "";
  };
  toggle.addEventListener("click", () => {
    set(element.hidden);
    if (!element.hidden) input.focus();
  });
  return { toggle, element, open: () => set(true) };
}

async function loadTemplates(choice) {
  const chosen = choice.value;
  const { templates } = await call("GET", "v1/templates").catch(() => ({ templates: [] }));
  const ready = templates.filter((each) => each.state === "ready");
  choice.replaceChildren(h("option", { value: "" }, "none"), ...ready.map((each) => h("option", { value: each.id }, each.name)));
  choice.value = ready.some((each) => each.id === chosen) ? chosen : "";
}

// Returns the body of the request. Throws an Error that says what to correct.
function readBody({ name, lifetime, labels, template }) {
  if (!name.value.trim()) throw new Error("Give the database a name.");
  if (!lifetime.isValid()) throw new Error("Write the lifetime as 90m, 36h, 3d or 2w.");
  const body = { nickname: name.value.trim() };
  if (lifetime.value() !== SERVICE_DEFAULT) body.ttl = lifetime.value();
  if (labels.value.trim()) body.labels = parseLabels(labels.value);
  if (template.value) body.template = template.value;
  return body;
}

async function submit(parts, request) {
  const { problem, name } = parts;
  let body;
  try {
    body = readBody(parts);
  } catch (error) {
    problem.replaceChildren(problemNotice(error));
    name.focus();
    return;
  }
  if (!(await run(parts, request, body))) return;
  name.value = "";
  name.focus();
}

// Sends the request and adds its result. Returns whether it was accepted.
async function run(parts, request, body) {
  const started = performance.now();
  const created = await guarded(parts.button, parts.problem, () => send(body, request));
  if (created) addCard(parts, created, started, () => run(parts, request, body));
  return created !== undefined;
}

// Sends the request. The same request keeps its key until it is answered, so that a second click
// after a lost answer returns the same database.
async function send(body, request) {
  const text = JSON.stringify(body);
  if (request.text !== text) Object.assign(request, { text, key: newIdempotencyKey() });
  const headers = { "Idempotency-Key": request.key };
  if (can("read")) headers.Prefer = "respond-async";
  const apply = store.expect();
  const record = await call("POST", "v1/databases", { body, headers });
  request.text = "";
  apply(withoutConnection(record));
  return record;
}

function withoutConnection({ connection, ...record }) {
  return record;
}

function addCard(parts, created, started, again) {
  if (!parts.results.isConnected) return; // the view was left meanwhile
  const card = creationCard(created, started, again);
  parts.results.prepend(card.element);
  parts.cards = [card, ...parts.cards.filter(({ element }) => element.isConnected)];
  for (const old of parts.cards.splice(MAX_CARDS)) {
    old.stop();
    old.element.remove();
  }
}
