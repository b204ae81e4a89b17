// The view of the audit log, for admins.

import { call } from "./api.js";
import { formatLocal, relativeTime } from "./clock.js";
import { field, foreign, h } from "./dom.js";
import { problemNotice } from "./notices.js";
import { pagedList, simpleTable } from "./tables.js";

const PAUSE = 300;

export function createAuditView() {
  const caller = h("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  const subject = h("input", { type: "search", class: "mono", autocomplete: "off", spellcheck: "false", placeholder: "id of a database or key" });
  const list = pagedList({
    read: async (token) => {
      const query = new URLSearchParams({ page_size: 100 });
      if (caller.value.trim()) query.set("caller", caller.value.trim());
      if (subject.value.trim()) query.set("subject", subject.value.trim());
      if (token) query.set("page_token", token);
      const page = await call("GET", `v1/audit-events?${query}`);
      return { items: page.audit_events, next: page.next_page_token };
    },
    render: (events) => (events.length ? tableOf(events) : h("p", { class: "empty" }, "No audit events.")),
    onError: (error, again) => problemNotice(error, h("button", { type: "button", class: "button", onclick: again }, "Try again")),
  });
  let timer;
  const filters = h("div", { class: "toolbar" }, field("Caller", caller), field("Subject", subject));
  filters.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(list.reload, PAUSE);
  });
  list.reload();
  const intro = h("p", { class: "muted" }, "One event for each call that changed something or revealed a password.");
  const head = h("header", { class: "view-head" }, h("div", {}, h("h2", {}, "Audit"), intro), h("button", { type: "button", class: "button", onclick: () => list.reload() }, "Reload"));
  return { element: h("section", { "aria-label": "Audit" }, head, filters, list.element), stop: () => clearTimeout(timer) };
}

function tableOf(events) {
  return simpleTable(
    "Audit events",
    ["Time", "Caller", "Action", "Subject", "Outcome", "Address", "Request"],
    events.map((event) => [
      h("span", { title: formatLocal(Date.parse(event.at)) }, relativeTime(event.at)),
      h("span", {}, foreign(event.caller), event.key ? h("code", { class: "muted" }, ` ${event.key}`) : null),
      h("code", {}, event.action),
      h("code", {}, event.subject || "\u2014"),
      h("span", { class: event.outcome === "done" ? "state is-ready" : "state is-failed" }, h("span", { class: "dot", "aria-hidden": "true" }), event.outcome),
      h("code", {}, event.address || "\u2014"),
      h("code", { class: "muted" }, ...foreign(event.request_id || "\u2014").childNodes),
    ]),
  );
}
