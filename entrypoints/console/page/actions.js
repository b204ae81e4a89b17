// What can be done with a database, each in a dialog.

import { call } from "./api.js";
import { formatLocal, formatRelative, fullTime, now } from "./clock.js";
import { openForm, openTypedConfirmation } from "./dialog.js";
import { checkbox, field, foreign, h } from "./dom.js";
import { durationChoice } from "./durations.js";
import { formatLabels, parseLabels } from "./labels.js";
import { warning } from "./notices.js";
import { store } from "./store.js";

const NEVER = "never";

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function title(text, record) {
  return [text, " ", foreign(record.nickname)];
}

// Sends a change of the record and stores the record of the answer.
async function change(method, path, body) {
  const apply = store.expect();
  const { connection, sessions_ended: ended, ...record } = await call(method, path, { body });
  apply(record);
}

function pathOf(record, action = "") {
  return `v1/databases/${record.id}${action}`;
}

function previewOf(text) {
  const match = /^(\d+)([smhdw])$/.exec(text);
  if (text === NEVER) return "It will not expire.";
  if (!match) return "";
  const time = now() + Number(match[1]) * SECONDS[match[2]] * 1000;
  return `It will expire ${formatRelative(time)}, on ${formatLocal(time)}.`;
}

export function openExtend(record) {
  const lifetime = durationChoice({ last: [[NEVER, "never"]], label: "New lifetime" });
  const preview = h("p", { class: "hint", "aria-live": "polite" });
  const draw = () => preview.replaceChildren(previewOf(lifetime.value()));
  lifetime.element.addEventListener("input", draw);
  draw();
  const current = record.expires_at ? h("p", {}, "It expires on ", fullTime(record.expires_at), ".") : h("p", {}, "It does not expire.");
  openForm({
    title: title("Change the expiry of", record),
    fields: [current, h("div", { class: "field" }, h("span", { class: "caption" }, "From now on, it expires in"), lifetime.element), preview],
    action: "Change expiry",
    isReady: lifetime.isValid,
    submit: () => change("PATCH", pathOf(record), lifetime.value() === NEVER ? { expires_at: null } : { ttl: lifetime.value() }),
  });
}

export function openLabels(record) {
  const input = h("input", { type: "text", class: "mono", autocomplete: "off", value: formatLabels(record.labels) });
  openForm({
    title: title("Change the labels of", record),
    fields: [field("Labels", input, "key=value, separated by spaces; empty for none")],
    action: "Save labels",
    submit: () => change("PATCH", pathOf(record), { labels: parseLabels(input.value) }),
  });
}

// Opens the dialog that rotates the password; `onDone` runs after it.
export function openRotate(record, onDone = () => {}) {
  const ends = checkbox("End open sessions too, for example after a leak");
  openForm({
    title: title("Rotate the password of", record),
    fields: [h("p", {}, "The current password stops working at once. Programs that use it need the new connection."), ends.element],
    action: "Rotate password",
    submit: async () => {
      await change("POST", pathOf(record, "/rotate"), { end_sessions: ends.input.checked });
      onDone();
    },
  });
}

export function openRestore(record, onDone = () => {}) {
  const lifetime = durationChoice({ last: [["", "default"]], label: "Lifetime" });
  openForm({
    title: title("Restore", record),
    fields: [
      h("p", {}, "Logins work again, with the same password and all data."),
      h("div", { class: "field" }, h("span", { class: "caption" }, "It expires again in"), lifetime.element),
    ],
    action: "Restore",
    isReady: lifetime.isValid,
    submit: async () => {
      await change("POST", pathOf(record, "/restore"), lifetime.value() ? { ttl: lifetime.value() } : {});
      onDone();
    },
  });
}

export function openDelete(record) {
  const until = record.restorable_until;
  const instead = until && h("p", {}, "If you leave it, it can be restored until ", fullTime(until), "; then pgvend deletes it.");
  openTypedConfirmation({
    title: title("Delete", record),
    name: record.database,
    warning: warning(
      h("p", {}, "All tables and data in it are lost at once, its owner can no longer log in, and open sessions end. ", h("strong", {}, "A deleted database cannot be restored.")),
      instead,
    ),
    action: "Delete database",
    submit: () => change("DELETE", pathOf(record)),
  });
}
