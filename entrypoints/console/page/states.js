// States and steps, as people see them.

import { foreign, h, icon, readable } from "./dom.js";
import { relativeTime } from "./clock.js";

const PASSING = new Set(["provisioning", "deleting"]);

export const GONE = new Set(["failed", "deleted"]);

const STEP_TITLES = {
  provision: "Create role and database",
  verify: "Log in to check it",
  rotate: "Set a new password",
  end_sessions: "End open sessions",
  add_extension: "Add the extension",
  suspend: "Block logins",
  restore: "Open it again",
  warn: "Warn about its size",
  set_read_only: "Make it read-only",
  clear_read_only: "Make it writable again",
  export: "Dump it into a file",
  delete: "Delete database and role",
};

export function isPassing(record) {
  return PASSING.has(record.state);
}

export function stateBadge(record) {
  const text = record.read_only && record.state === "ready" ? "read-only" : record.state;
  return h("span", { class: `state is-${text}` }, h("span", { class: "dot", "aria-hidden": "true" }), text);
}

// Returns the error of the last step that failed and was not repeated since; empty if none did.
export function lastError(record) {
  return record.steps.findLast((step) => step.state === "failed")?.error ?? "";
}

// Returns the time of the last rotation; null without one, and while one runs.
export function lastRotation(record) {
  return record.steps.find((step) => step.name === "rotate" && step.state === "done")?.at ?? null;
}

export function stepList(record) {
  const items = record.steps.map((step) =>
    h(
      "li",
      { class: `is-${step.state}` },
      step.state === "failed" ? icon("warning") : step.state === "done" ? icon("check") : h("span", { class: "spinner" }),
      h("span", {}, STEP_TITLES[step.name] ?? step.name, h("span", { class: "visually-hidden" }, `: ${step.state}`)),
      h("span", { class: "muted" }, relativeTime(step.at)),
      step.error && h("p", { class: "step-error" }, foreign(step.error)),
    ),
  );
  return h("ol", { class: "steps" }, ...items);
}

export function formatSize(bytes) {
  if (bytes === null || bytes === undefined) return "\u2014";
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(bytes) / Math.log(1024)));
  const value = bytes / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

export function expiryText(record) {
  if (!record.expires_at) return h("span", { class: "muted" }, "never");
  return GONE.has(record.state) ? h("span", { class: "muted" }, "\u2014") : relativeTime(record.expires_at);
}

export function nicknameNodes(record) {
  return readable(record.nickname);
}
