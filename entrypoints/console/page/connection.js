// The connection of a database: formats as tabs, hidden until it is shown, copied without showing.

import { call, send } from "./api.js";
import { copyButton } from "./clipboard.js";
import { h, icon, newId } from "./dom.js";
import { hint, problemNotice } from "./notices.js";
import { service } from "./session.js";
import { createTabs } from "./tabs.js";

const FIELDS = "fields";

const TITLES = {
  uri: "URI",
  psql: "psql",
  env: ".env",
  prisma: "Prisma",
  node: "Node",
  jdbc: "JDBC",
  sqlalchemy: "SQLAlchemy",
  "sqlalchemy-asyncpg": "asyncpg",
  django: "Django",
  dotnet: ".NET",
  docker: "Docker",
  "k8s-secret": "Kubernetes",
  json: "JSON",
  [FIELDS]: "Fields",
};

const HIDDEN = "\u2022".repeat(12);

// Creates a panel for the connection of the database `id`. With `given` it shows those
// credentials; otherwise it reads them from the service and has their login checked. `onRotate`
// is offered where the password no longer works.
export function connectionPanel(id, { given = null, canRead = true, onRotate = null } = {}) {
  const panel = h("div", { class: "connection" });
  const show = (connection) => panel.replaceChildren(...describe(connection, panel, id, canRead));
  if (given) show(given);
  else read(panel, id, show, onRotate);
  return panel;
}

async function read(panel, id, show, onRotate) {
  panel.replaceChildren(h("p", { class: "waiting" }, "Checking the login\u2026"));
  try {
    show(await call("GET", `v1/databases/${id}/connection?format=json&verify=true`));
  } catch (error) {
    const again = h("button", { type: "button", class: "button", onclick: () => read(panel, id, show, onRotate) }, "Try again");
    const rotate = h("button", { type: "button", class: "button", onclick: onRotate }, "Rotate the password");
    panel.replaceChildren(problemNotice(error, error.code === "password_changed" && onRotate ? rotate : again));
  }
}

function describe(connection, panel, id, canRead) {
  const formats = canRead ? service.formats : ["uri"];
  const texts = new Map([["uri", connection.uri]]);
  const view = createView(connection);
  const load = async (name) => {
    if (name !== FIELDS && !texts.has(name))
      texts.set(name, await (await send("GET", `v1/databases/${id}/connection?format=${name}`, { headers: { Accept: "*/*" } })).text());
    return texts.get(name);
  };
  const tabs = createTabs(
    [formats[0], FIELDS, ...formats.slice(1)].map((name) => ({ id: name, title: TITLES[name] ?? name })),
    { label: "Format", panel: view.element, onSelect: (name) => view.select(name, load) },
  );
  return [tabs.element, view.element, checkResult(connection)].filter(Boolean);
}

function checkResult({ verified }) {
  if (verified === undefined) return null;
  if (verified) return h("p", { class: "checked" }, icon("check"), "The login was checked.");
  return hint(
    "The login could not be checked: the server is busy, or the service cannot reach it. The connection may still work.",
  );
}

// Creates the place of one format: its text, and buttons to show and to copy it.
function createView(connection) {
  const shown = { name: "uri", isRevealed: false, text: "" };
  const body = h("div", { class: "format" });
  const reveal = h("button", { type: "button", class: "button", "aria-pressed": "false" }, icon("eye"), h("span", {}, "Show"));
  const copyText = copyButton(() => shown.text, { what: "" });
  const buttons = h("div", { class: "buttons" }, reveal, copyText);
  const element = h("div", { class: "format-panel", id: newId("format") }, body, buttons);
  const draw = () => {
    const isFields = shown.name === FIELDS;
    copyText.hidden = isFields;
    copyText.disabled = !isFields && !shown.text;
    const mask = (text) => (shown.isRevealed ? text : hide(text, connection.password));
    body.replaceChildren(...(isFields ? [fieldList(connection, mask)] : textOf(shown, mask)));
  };
  reveal.addEventListener("click", () => {
    shown.isRevealed = !shown.isRevealed;
    reveal.setAttribute("aria-pressed", String(shown.isRevealed));
    reveal.lastChild.textContent = shown.isRevealed ? "Hide" : "Show";
    draw();
  });
  const select = async (name, load) => {
    Object.assign(shown, { name, text: "" });
    draw();
    try {
      const text = await load(name);
      if (shown.name !== name) return;
      shown.text = text ?? "";
      draw();
    } catch (error) {
      if (shown.name === name) body.replaceChildren(problemNotice(error));
    }
  };
  return { element, select };
}

function textOf({ name, text }, mask) {
  const note = name === "psql" && h("p", { class: "hint" }, "psql asks for the password, which is under Fields: command lines stay in histories.");
  return [h("pre", { tabindex: "0" }, text ? mask(text.trimEnd()) : "\u2026"), note].filter(Boolean);
}

function hide(text, password) {
  return text.replaceAll(password, HIDDEN).replaceAll(encodeURIComponent(password), HIDDEN);
}

function fieldList(connection, mask) {
  const values = [
    ["Host", connection.host],
    ["Port", String(connection.port)],
    ["Database", connection.database],
    ["User", connection.user],
    ["Password", connection.password],
    ["SSL mode", connection.sslmode],
    ["Pooler", connection.pooler_host],
    ["Certificate authorities", connection.sslrootcert],
  ];
  const rows = values
    .filter(([, value]) => value)
    .map(([name, value]) =>
      h(
        "div",
        {},
        h("dt", {}, name),
        h("dd", {}, h("code", { class: value.includes("\n") ? "lines" : "" }, mask(value)), copyButton(() => value, { what: `the ${name.toLowerCase()}`, isSmall: true })),
      ),
    );
  return h("dl", { class: "fields" }, ...rows);
}
