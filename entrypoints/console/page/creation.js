// The result of a creation: its true steps, then the connection or the error.

import { connectionPanel } from "./connection.js";
import { foreign, h, icon, readable, readableText } from "./dom.js";
import { openRotate } from "./actions.js";
import { announce, hint, problemNotice } from "./notices.js";
import { can } from "./session.js";
import { isPassing, lastError, lastRotation, stepList } from "./states.js";
import { store } from "./store.js";

const POLL = 1500;
const LONG = 30_000;

// Creates the card of a database that was requested; `again` repeats the request, and returns whether
// it was accepted. `stop` ends the following of the record.
export function creationCard(created, started, again) {
  const heading = h("h2", {});
  const body = h("div", { class: "card-body" });
  const close = h("button", { type: "button", class: "button icon-button close", "aria-label": "Close", title: "Close" }, icon("close"));
  const card = h("article", { class: "card" }, h("header", {}, heading, close), body);
  const follow = { card, heading, body, started, again, isOver: false, stops: [] };
  close.addEventListener("click", () => {
    stop(follow);
    card.remove();
  });
  if (created.connection) settle(created, follow);
  else watch(created, follow);
  return { element: card, stop: () => stop(follow) };
}

function stop({ stops }) {
  stops.splice(0).forEach((each) => each());
}

// Follows the record by events, and by requests while there is no stream.
function watch(created, follow) {
  const timer = setInterval(() => {
    if (!store.isLive) store.fetch(created.id).catch(() => {});
    if (performance.now() - follow.started > LONG) draw(store.get(created.id) ?? created, follow);
  }, POLL);
  follow.stops.push(() => clearInterval(timer));
  follow.stops.push(store.watch(created.id, (record) => draw(record, follow)));
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
  stop(follow);
  if (record.state === "ready") drawReady(record, follow);
  else drawFailure(record, follow);
}

function drawReady(record, { card, heading, body, started, stops }) {
  const took = performance.now() - started;
  card.classList.add("is-ready");
  heading.replaceChildren(icon("check"), foreign(record.nickname), h("span", { class: "muted" }, ` ready in ${formatTook(took)}`));
  announce(`${readableText(record.nickname)} is ready`);
  const show = (given) => body.replaceChildren(connectionPanel(record.id, { given, canRead: can("read"), onRotate: () => openRotate(record) }));
  show(record.connection);
  if (can("read")) stops.push(watchConnection(record, body, show));
}

// Keeps a shown connection true: it is read again after a rotation, and leaves with its database.
function watchConnection(record, body, show) {
  let rotation = lastRotation(record);
  let shown = rotation;
  return store.watch(record.id, (current) => {
    rotation = lastRotation(current) ?? rotation;
    const wanted = current.state === "ready" ? rotation : current.state;
    if (wanted === shown) return;
    shown = wanted;
    if (current.state === "ready") show();
    else body.replaceChildren(hint(`This database is ${current.state} now: its connection does not work.`));
  });
}

function formatTook(milliseconds) {
  return milliseconds < 100 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function drawFailure(record, { card, heading, body, again }) {
  card.classList.add("is-failed");
  heading.replaceChildren(icon("warning"), ...readable(record.nickname), h("span", { class: "muted" }, ` is ${record.state}`));
  const repeat = async () => {
    if (await again()) card.remove();
  };
  const button = h("button", { type: "button", class: "button", onclick: repeat }, "Try again");
  const message = lastError(record) || "The database was not created. Nothing of it is left on the server.";
  body.replaceChildren(problemNotice(new Error(message), button));
}
