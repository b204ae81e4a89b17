// The view of API keys, for admins.

import { call } from "./api.js";
import { fullTime, relativeTime } from "./clock.js";
import { copyButton } from "./clipboard.js";
import { openDialog, openForm } from "./dialog.js";
import { checkbox, field, foreign, h } from "./dom.js";
import { durationChoice } from "./durations.js";
import { hint, problemNotice } from "./notices.js";
import { session } from "./session.js";
import { pagedList, simpleTable } from "./tables.js";

const NEVER = "";

const SCOPES = [
  ["create", "create databases"],
  ["read", "read records and connections"],
  ["manage", "extend, rotate, restore and delete"],
  ["admin", "everything, for all callers"],
];

export function createKeysView() {
  const list = pagedList({
    read: async (token) => {
      const page = await call("GET", `v1/keys?page_size=100${token ? `&page_token=${encodeURIComponent(token)}` : ""}`);
      return { items: page.keys, next: page.next_page_token };
    },
    render: (keys) => (keys.length ? tableOf(keys, () => list.reload()) : h("p", { class: "empty" }, "No keys yet, but for those in the settings.")),
    onError: (error, again) => problemNotice(error, h("button", { type: "button", class: "button", onclick: again }, "Try again")),
  });
  list.reload();
  const add = h("button", { type: "button", class: "button is-primary", onclick: () => openCreate(() => list.reload()) }, "New key\u2026");
  const intro = h("p", { class: "muted" }, "Keys with the same caller share their databases. pgvend stores digests only: a key is shown once.");
  const head = h("header", { class: "view-head" }, h("div", {}, h("h2", {}, "Keys"), intro), add);
  return { element: h("section", { "aria-label": "Keys" }, head, list.element), stop() {} };
}

function tableOf(keys, reload) {
  return simpleTable(
    "Keys",
    ["Caller", "Id", "Scopes", "Limits", "Created", "Expires", ""],
    keys.map((key) => [
      h("strong", {}, foreign(key.name)),
      h("code", {}, key.id),
      h("span", { class: "labels" }, ...key.scopes.map((scope) => h("span", { class: "label" }, scope))),
      limitsOf(key),
      relativeTime(key.created_at),
      expiryOf(key),
      h("div", { class: "buttons" }, key.revoked_at ? null : revokeButton(key, reload)),
    ]),
  );
}

function limitsOf(key) {
  const limits = [key.quota !== null && `${key.quota} databases`, key.rate, key.origins.join(" ")].filter(Boolean);
  return h("span", { class: limits.length ? "" : "muted" }, limits.join(", ") || "none");
}

function expiryOf(key) {
  if (key.revoked_at) return h("span", { class: "state is-deleted" }, "revoked ", relativeTime(key.revoked_at));
  return key.expires_at ? relativeTime(key.expires_at) : h("span", { class: "muted" }, "never");
}

function revokeButton(key, reload) {
  const open = () =>
    openForm({
      title: ["Revoke the key ", h("code", {}, key.id)],
      fields: [
        hint(
          h("p", {}, "Requests with it are refused from now on. The databases of ", foreign(key.name), " stay."),
          key.id === session.key_id ? h("p", {}, h("strong", {}, "This page uses this key: you will be signed out.")) : "",
        ),
      ],
      action: "Revoke key",
      isDanger: true,
      submit: async () => {
        await call("DELETE", `v1/keys/${key.id}`);
        await reload();
      },
    });
  return h("button", { type: "button", class: "button is-danger-quiet", onclick: open }, "Revoke\u2026");
}

function openCreate(reload) {
  const name = h("input", { type: "text", autocomplete: "off", placeholder: "ci" });
  const quota = h("input", { type: "number", min: 0, placeholder: "no limit" });
  const rate = h("input", { type: "text", class: "mono", autocomplete: "off", placeholder: "60/min" });
  const origins = h("input", { type: "text", class: "mono", autocomplete: "off", placeholder: "https://app.example.com" });
  const lifetime = durationChoice({ first: [[NEVER, "never"]], chosen: NEVER, label: "Lifetime of the key" });
  const scopes = SCOPES.map(([scope, what]) => ({ scope, ...checkbox([h("code", {}, scope), h("span", {}, what)], { checked: scope !== "admin" }) }));
  const chosen = () => scopes.filter(({ input }) => input.checked).map(({ scope }) => scope);
  const read = () => ({
    ...(name.value.trim() && { name: name.value.trim() }),
    scopes: chosen(),
    ...(quota.value !== "" && { quota: Number(quota.value) }),
    ...(rate.value.trim() && { rate: rate.value.trim() }),
    ...(origins.value.trim() && { origins: origins.value.trim().split(/[\s,]+/) }),
    ...(lifetime.value() !== NEVER && { ttl: lifetime.value() }),
  });
  openForm({
    title: "New key",
    fields: [
      field("Caller", name, "Who uses it; keys of one caller share their databases. Empty: a caller of its own."),
      h("fieldset", { class: "scopes" }, h("legend", {}, "Scopes"), ...scopes.map(({ element }) => element)),
      h("div", { class: "columns" }, field("Quota of databases", quota), field("Rate of requests", rate)),
      field("Origins", origins, "For web pages: the key then works from them only, and can only create."),
      h("div", { class: "field" }, h("span", { class: "caption" }, "Expires in"), lifetime.element),
    ],
    action: "Create key",
    isReady: () => chosen().length > 0 && lifetime.isValid(),
    submit: async () => {
      const created = await call("POST", "v1/keys", { body: read() });
      await reload();
      openNewKey(created);
    },
  });
}

function openNewKey(created) {
  const copy = copyButton(() => created.key, { what: "the key" });
  openDialog({
    title: ["The key of ", foreign(created.name)],
    content: [
      hint(h("p", {}, "Copy it now: ", h("strong", {}, "it is shown only once.")), ...created.notices.map((text) => h("p", {}, text))),
      h("div", { class: "new-key" }, h("code", { tabindex: "0", "aria-label": "The key" }, created.key), copy),
      created.expires_at ? h("p", { class: "hint" }, "It expires on ", fullTime(created.expires_at), ".") : null,
    ],
  });
  copy.focus();
}
