// The page: signing in, the views and the stream of events.

import { createAuditView } from "./audit.js";
import { onRefusal, setKey } from "./api.js";
import { createAccount } from "./account.js";
import { createDatabasesView } from "./databases.js";
import { openDetails } from "./details.js";
import { closeDialogs } from "./dialog.js";
import { h } from "./dom.js";
import { EventStream } from "./events.js";
import { createKeysView } from "./keys.js";
import { problemNotice } from "./notices.js";
import { can, readCaller, readIndex } from "./session.js";
import { setServerTime } from "./clock.js";
import { createSignInView } from "./sign_in.js";
import { store } from "./store.js";
import { createTemplatesView } from "./templates.js";

const RETRY = 2000;

const VIEWS = {
  databases: { title: "Databases", create: createDatabasesView, isOffered: () => true },
  templates: { title: "Templates", create: () => createTemplatesView({ onUse: useTemplate }), isOffered: () => can("read") },
  keys: { title: "Keys", create: createKeysView, isOffered: () => can("admin") },
  audit: { title: "Audit", create: createAuditView, isOffered: () => can("admin") },
};

const place = document.getElementById("view");
const nav = document.getElementById("nav");
const banner = document.getElementById("banner");

let shown = { name: "", stop() {} };
let isSignedIn = false;

const stream = new EventStream({
  onEvent: (event, data) => {
    if (event === "ready") loadAfter(data);
    else if (event === "database") store.put(data);
  },
  onState: (state) => {
    store.isLive = state === "live";
    account.setLive(state);
  },
  onFailure: (error) => {
    if (error.isUnanswered) setBanner("pgvend does not answer. The page goes on as soon as it does.");
    else reload();
  },
});

const account = createAccount(document.getElementById("account"), { onSignOut: () => signOut("") });

function loadAfter({ now }) {
  setServerTime(now);
  reload();
}

async function reload() {
  try {
    await store.load();
    setBanner("");
  } catch (error) {
    setBanner(error.message);
  }
}

function setBanner(text) {
  banner.hidden = text === "";
  if (banner.textContent !== text) banner.textContent = text;
}

function show(view, name) {
  shown.stop();
  shown = { name, ...view };
  place.replaceChildren(view.element);
}

function drawNav(current) {
  const links = Object.entries(VIEWS)
    .filter(([, view]) => isSignedIn && view.isOffered())
    .map(([name, { title }]) => h("a", { href: `#/${name}`, "aria-current": name === current ? "page" : null }, title));
  nav.replaceChildren(...links, h("a", { href: "docs" }, "API"));
}

// Shows the view that the address names; `#/databases/ID` opens the details of a database.
function route() {
  if (!isSignedIn) return;
  const [, path, id, part] = location.hash.split("/");
  const name = Object.hasOwn(VIEWS, path) && VIEWS[path].isOffered() ? path : "databases";
  if (shown.name !== name) show(VIEWS[name].create(), name);
  drawNav(name);
  document.title = `${VIEWS[name].title} \u00b7 pgvend`;
  closeDialogs();
  if (name === "databases" && id) openDetails(id, { withConnection: part === "connection", onClose: () => leave(id) });
}

// Leaves the address of the details that were closed, unless others are shown by now.
function leave(id) {
  if (location.hash.split("/")[2] === id) history.pushState(null, "", "#/databases");
}

function useTemplate(id) {
  location.hash = "#/databases";
  route();
  shown.useTemplate(id);
}

function signOut(reason) {
  setKey("");
  isSignedIn = false;
  stream.stop();
  closeDialogs();
  store.clear();
  setBanner("");
  account.draw(false);
  const view = createSignInView(reason, start);
  show(view, "sign-in");
  drawNav("");
  view.focus();
}

function start() {
  isSignedIn = true;
  account.draw(true);
  readIndex().then(() => account.draw(true));
  if (can("read")) stream.start();
  route();
}

// Asks the service who the caller is, until it answers.
async function boot() {
  try {
    await readCaller();
    setBanner("");
    start();
  } catch (error) {
    if (error.status === 401) signOut("");
    else if (error.retryable) retryBoot(error);
    else place.replaceChildren(problemNotice(error));
  }
}

function retryBoot(error) {
  setBanner(error.message);
  setTimeout(boot, RETRY);
}

onRefusal((problem) => {
  if (isSignedIn) signOut(`You were signed out: ${problem.message}`);
});
window.addEventListener("hashchange", route);
drawNav("");
boot();
