// The view of templates: frozen databases, to be copied.

import { call } from "./api.js";
import { relativeTime } from "./clock.js";
import { openForm, openTypedConfirmation } from "./dialog.js";
import { checkbox, field, foreign, h, readable, readableText, select } from "./dom.js";
import { hint, problemNotice, warning } from "./notices.js";
import { can, session } from "./session.js";
import { lastError, stateBadge } from "./states.js";
import { store } from "./store.js";
import { simpleTable } from "./tables.js";

const POLL = 1000;

// Creates the view; `onUse` gets the id of a template to create a database from.
export function createTemplatesView({ onUse }) {
  const place = h("div", { class: "view-body" });
  const view = { isOver: false };
  const load = async () => {
    try {
      const { templates } = await call("GET", "v1/templates");
      if (view.isOver) return;
      place.replaceChildren(listOf(templates, load, onUse));
      if (templates.some((each) => ["provisioning", "deleting"].includes(each.state))) setTimeout(() => view.isOver || load(), POLL);
    } catch (error) {
      place.replaceChildren(problemNotice(error, h("button", { type: "button", class: "button", onclick: load }, "Try again")));
    }
  };
  load();
  const add = can("manage") && h("button", { type: "button", class: "button is-primary", onclick: () => openCreate(load) }, "New template\u2026");
  const intro = h("p", { class: "muted" }, "A template is a frozen copy of a database: migrated and seeded once, copied in a moment.");
  const head = h("header", { class: "view-head" }, h("div", {}, h("h2", {}, "Templates"), intro), add);
  return { element: h("section", { "aria-label": "Templates" }, head, place), stop: () => (view.isOver = true) };
}

function listOf(templates, load, onUse) {
  if (!templates.length) return h("p", { class: "empty" }, "No templates yet. Prepare a database, then make a template of it.");
  return simpleTable(
    "Templates",
    ["Name", "State", "Caller", "Created", ""],
    templates.map((each) => [
      h("span", {}, h("strong", {}, foreign(each.name)), each.shared ? h("span", { class: "label" }, "shared") : null),
      h("span", {}, stateBadge(each), lastError(each) ? h("p", { class: "step-error" }, ...readable(lastError(each))) : null),
      foreign(each.caller),
      relativeTime(each.created_at),
      h("div", { class: "buttons" }, ...actionsOf(each, load, onUse)),
    ]),
  );
}

function actionsOf(template, load, onUse) {
  const isReady = template.state === "ready";
  const mayDelete = can("manage") && (session.can_see_all || template.caller === session.caller) && template.state !== "deleting";
  return [
    isReady && can("create") && h("button", { type: "button", class: "button", onclick: () => onUse(template.id) }, "Use", h("span", { class: "visually-hidden" }, ` ${template.name}`)),
    mayDelete && h("button", { type: "button", class: "button is-danger-quiet", onclick: () => openDeletion(template, load) }, "Delete\u2026"),
  ];
}

function openCreate(load) {
  const ready = store.list().filter((record) => record.state === "ready");
  const name = h("input", { type: "text", class: "mono", maxlength: 63, autocomplete: "off", placeholder: "shop" });
  const source = select(ready.map((record) => [record.id, `${readableText(record.nickname)} (${record.database})`]));
  const ends = checkbox("End sessions in it first: open sessions prevent the copy");
  const shared = checkbox("Share it with all callers");
  openForm({
    title: "New template",
    fields: [
      ready.length ? null : hint("There is no ready database to copy: create one first."),
      field("Name", name, "Lower-case letters, digits, - and _. A former template of this name is replaced."),
      field("Copy of", source),
      ends.element,
      session.can_see_all ? shared.element : null,
    ].filter(Boolean),
    action: "Create template",
    isReady: () => name.value.trim() !== "" && source.value !== "",
    submit: async () => {
      const body = { name: name.value.trim(), from: source.value, end_sessions: ends.input.checked, shared: shared.input.checked };
      await call("POST", "v1/templates", { body });
      await load();
    },
  });
}

function openDeletion(template, load) {
  openTypedConfirmation({
    title: ["Delete the template ", foreign(template.name)],
    name: template.name,
    warning: warning(h("p", {}, "Databases that were copied from it stay. ", h("strong", {}, "A deleted template cannot be restored."))),
    action: "Delete template",
    submit: async () => {
      await call("DELETE", `v1/templates/${template.id}`);
      await load();
    },
  });
}
