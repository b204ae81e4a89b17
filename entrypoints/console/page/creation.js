// The result of a creation: its true steps, then the connection or the error.

import { connectionPanel } from "./connection.js";
import { foreign, h, icon, readable } from "./dom.js";
import { openRotate } from "./actions.js";
import { announce, hint, problemNotice } from "./notices.js";
import { can } from "./session.js";
import { isPassing, lastError, stepList } from "./states.js";
import { store } from "./store.js";

const POLL = 1500;
const LONG = 30_000;

// Creates the card of a database that was requested; `again` repeats the request.
export function creationCard(created, started, again) {
  const heading = h("h2", {});
  const body = h("div", { class: "card-body" });
  const close = h("button", { type: "button", class: "button icon-button close", "aria-label": "Close", title: "Close" }, icon("close"));
  const card = h("article", { class: "card" }, h("header", {}, heading, close), body);
  const follow = { card, heading, body, started, again, isOver: false };
  const stop = created.connection ? () => {} : watch(created, follow);
  close.addEventListener("click", () => {
    stop();
    card.remove();
  });
  if (created.connection) settle(created, follow);
  return card;
}

// Follows the record by events, and by requests while there is no stream.
function watch(created, follow) {
  const stopWatching = store.watch(created.id, (record) => draw(record, follow));
  const timer = setInterval(() => {
    if (follow.isOver) clearInterval(timer);
    else {
      if (!store.isLive) store.fetch(created.id).catch(() => {});
      if (performance.now() - follow.started > LONG) draw(store.get(created.id) ?? created, follow);
    }
  }, POLL);
  follow.stop = () => {
    stopWatching();
    clearInterval(timer);
  };
  if (follow.isOver) follow.stop();
  return follow.stop;
}

function draw(record, follow) {
  if (follow.isOver) return;
  if (record.state === "provisioning") drawProgress(record, follow);
  else if (!isPassing(record)) settle(record, follow);
}

function drawProgress(record, { heading, body, started }) {
  heading.replaceChildren(h("span", { class: "spinner" }), foreign(record.nickname), " is being created");
  const isLong = performance.now() - started > LONG;
  const note = isLong && hint("This takes longer than usual. pgvend keeps trying; you can leave the page, or delete the database from the list.");
  body.replaceChildren(...[stepList(record), note].filter(Boolean));
}

function settle(record, follow) {
  follow.isOver = true;
  follow.stop?.();
  if (record.state === "ready") drawReady(record, follow);
  else drawFailure(record, follow);
}

function drawReady(record, { card, heading, body, started }) {
  const took = performance.now() - started;
  card.classList.add("is-ready");
  heading.replaceChildren(icon("check"), foreign(record.nickname), h("span", { class: "muted" }, ` ready in ${formatTook(took)}`));
  announce(`${record.nickname} is ready`);
  const panel = () => connectionPanel(record.id, { given: record.connection, canRead: can("read"), onRotate: () => openRotate(record, refresh) });
  const refresh = () => body.replaceChildren(panel());
  refresh();
}

function formatTook(milliseconds) {
  return milliseconds < 100 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function drawFailure(record, { card, heading, body, again }) {
  card.classList.add("is-failed");
  heading.replaceChildren(icon("warning"), ...readable(record.nickname), h("span", { class: "muted" }, ` is ${record.state}`));
  const repeat = () => {
    card.remove();
    again();
  };
  const button = h("button", { type: "button", class: "button", onclick: repeat }, "Try again");
  const message = lastError(record) || "The database was not created. Nothing of it is left on the server.";
  body.replaceChildren(problemNotice(new Error(message), button));
}
