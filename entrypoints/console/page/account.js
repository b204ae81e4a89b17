// The corner of the bar with the caller, and whether the list is current.

import { hasKey } from "./api.js";
import { fullTime } from "./clock.js";
import { foreign, h, icon } from "./dom.js";
import { readCaller, service, session } from "./session.js";

const STATES = {
  live: "Live: changes appear by themselves",
  connecting: "Connecting: the list may be out of date",
  paused: "Paused while the page is hidden",
};

// Fills in the corner. `draw` shows or hides the caller, `setLive` the state of the stream.
export function createAccount(place, { onSignOut }) {
  const live = h("span", { class: "live", role: "img", hidden: true });
  const menu = h("div", {});
  place.append(live, menu);
  closeOutside(menu);
  const setLive = (state) => {
    live.hidden = false;
    live.className = `live is-${state}`;
    live.title = STATES[state];
    live.setAttribute("aria-label", STATES[state]);
  };
  const draw = (isSignedIn) => {
    menu.replaceChildren(...(isSignedIn ? [createMenu(onSignOut)] : []));
    if (!isSignedIn) live.hidden = true;
  };
  return { draw, setLive };
}

function createMenu(onSignOut) {
  const facts = h("dl", {});
  const button = hasKey() && h("button", { type: "button", class: "button", onclick: onSignOut }, "Sign out");
  const menu = h(
    "details",
    { class: "menu" },
    h("summary", {}, foreign(session.caller), icon("down")),
    h("div", { class: "menu-body" }, facts, button),
  );
  drawFacts(facts);
  menu.addEventListener("toggle", async () => {
    if (!menu.open) return;
    await readCaller().catch(() => {});
    drawFacts(facts);
  });
  return menu;
}

// Closes the menu by Escape, and when the focus or a click is elsewhere.
function closeOutside(place) {
  const close = () => {
    const menu = place.querySelector("details[open]");
    if (menu) menu.open = false;
    return menu;
  };
  place.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close()?.firstChild.focus();
  });
  place.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !place.contains(relatedTarget)) close();
  });
  document.addEventListener("click", ({ target }) => {
    if (!place.contains(target)) close();
  });
}

function drawFacts(facts) {
  const quota = session.quota === null || session.quota === undefined ? "" : ` of ${session.quota}`;
  const rows = [
    ["Scopes", session.scopes.join(", ")],
    ["Databases", `${session.databases}${quota}`],
    ["Key", session.key_id ?? (hasKey() ? null : "none needed")],
    ["Valid until", session.expires_at ? fullTime(session.expires_at) : null],
    ["pgvend", service.version],
  ];
  facts.replaceChildren(...rows.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}
