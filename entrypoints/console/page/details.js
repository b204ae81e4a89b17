// The details of one database, in a drawer.

import { openDelete, openExtend, openLabels, openRestore, openRotate } from "./actions.js";
import { fullTime } from "./clock.js";
import { copyButton } from "./clipboard.js";
import { connectionPanel } from "./connection.js";
import { openDialog } from "./dialog.js";
import { foreign, h } from "./dom.js";
import { labelList } from "./labels.js";
import { hint, problemNotice } from "./notices.js";
import { can } from "./session.js";
import { formatSize, lastError, lastRotation, stateBadge, stepList } from "./states.js";
import { store } from "./store.js";

// Opens the drawer of the database with that id or name, with its connection on request; `onClose`
// runs when it is closed.
export function openDetails(id, { withConnection, onClose }) {
  const [title, content] = [h("span", {}, "Database"), h("div", { class: "details" })];
  const drawer = { isClosed: false, stop() {} };
  const close = () => {
    drawer.isClosed = true;
    drawer.stop();
    onClose();
  };
  openDialog({ title, content, kind: "drawer", onClose: close });
  const start = (record) => {
    if (record && !drawer.isClosed) drawer.stop = follow(record.id, title, content, withConnection);
  };
  const fetched = store.fetch(id); // which measures its size, too
  if (store.get(id)) start(store.get(id));
  else fetched.then(start);
  fetched.catch((error) => store.get(id) || content.replaceChildren(problemNotice(error)));
}

function follow(id, title, content, withConnection) {
  const parts = { status: h("div", {}), connection: h("div", {}), facts: h("div", {}), steps: h("div", {}) };
  content.replaceChildren(...Object.values(parts));
  let isWanted = withConnection;
  let rotation = null;
  return store.watch(id, (record) => {
    title.replaceChildren(foreign(record.nickname));
    if (record.state !== "ready") parts.connection.replaceChildren();
    const showConnection = () => parts.connection.replaceChildren(connectionPanel(id, { onRotate: () => openRotate(record) }));
    const isOpen = () => parts.connection.hasChildNodes();
    parts.status.replaceChildren(...statusOf(record), actionBar(record, () => isOpen() || showConnection(), showConnection));
    const before = rotation;
    rotation = lastRotation(record) ?? before;
    const isOutdated = isOpen() && rotation !== before;
    if ((isWanted || isOutdated) && record.state === "ready") showConnection();
    isWanted = false;
    parts.facts.replaceChildren(factList(record));
    parts.steps.replaceChildren(h("h3", {}, "Steps"), stepList(record));
  });
}

function statusOf(record) {
  return [
    h("p", { class: "status-line" }, stateBadge(record), expiryOf(record)),
    record.read_only && hint("It exceeds the size limit and is read-only. Delete data, then it becomes writable again."),
    isTroubled(record) && hint(h("p", {}, "The last attempt failed: ", foreign(lastError(record))), h("p", {}, "pgvend tries again by itself.")),
  ].filter(Boolean);
}

function isTroubled(record) {
  const last = record.steps.at(-1);
  return last?.state === "failed" && !["failed", "deleted"].includes(record.state);
}

function expiryOf(record) {
  if (record.state === "expired" && record.restorable_until)
    return h("span", {}, "can be restored until ", fullTime(record.restorable_until));
  if (record.state !== "ready" && record.state !== "provisioning") return null;
  return record.expires_at ? h("span", {}, "expires on ", fullTime(record.expires_at)) : h("span", {}, "does not expire");
}

function actionBar(record, onRotated, showConnection) {
  const button = (text, onclick, kind = "") => h("button", { type: "button", class: `button ${kind}`, onclick }, text);
  const all = {
    connect: can("read") && button("Connection", showConnection, "is-primary"),
    restore: can("manage") && button("Restore\u2026", () => openRestore(record, showConnection), "is-primary"),
    extend: can("manage") && button("Extend\u2026", () => openExtend(record)),
    labels: can("manage") && button("Labels\u2026", () => openLabels(record)),
    rotate: can("manage") && button("Rotate\u2026", () => openRotate(record, onRotated)),
    delete: can("manage") && button("Delete\u2026", () => openDelete(record), "is-danger-quiet"),
  };
  const offered = {
    ready: ["connect", "extend", "labels", "rotate", "delete"],
    expired: ["restore", "delete"],
    provisioning: ["delete"],
  };
  return h("div", { class: "buttons" }, ...(offered[record.state] ?? []).map((name) => all[name]));
}

function factList(record) {
  const rows = [
    ["Database", copyable(record.database, "the database name")],
    ["Owner", copyable(record.owner, "the owner")],
    ["Id", copyable(record.id, "the id")],
    ["Caller", foreign(record.caller)],
    ["Labels", Object.keys(record.labels).length ? h("span", { class: "labels" }, ...labelList(record.labels)) : null],
    ["Size", typeof record.size === "number" ? formatSize(record.size) : null],
    ["Extensions", record.extensions.length ? record.extensions.join(", ") : null],
    ["Copy of", record.source && copyable(record.source, "the id of the source")],
    ["Created", fullTime(record.created_at)],
    ["Place", `${record.target} (${record.provider}, isolation ${record.isolation})`],
  ];
  const shown = rows.filter(([, value]) => value);
  return h("dl", { class: "fields" }, ...shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function copyable(text, what) {
  return h("span", { class: "copyable" }, foreign(text, { class: "mono" }), copyButton(() => text, { what, isSmall: true }));
}
