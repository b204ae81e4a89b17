// One call of the API: its form, its answers and its errors.
import { copyButton } from "../console/clipboard.js";
import { h } from "../console/dom.js";
import { send } from "./answers.js";
import { badge, folded, prose, table } from "./elements.js";
import { createRequest, curl } from "./requests.js";
import { example, members, nameOf } from "./schemas.js";

function control({ name, required, schema }) {
  const item = schema.items ?? schema;
  const isList = schema.type === "array";
  const choices = item.enum ?? (item.type === "boolean" ? ["true", "false"] : null);
  if (!choices) return h("input", { name, required, placeholder: item.examples?.[0] ?? "", autocomplete: "off", spellcheck: "false" });
  const options = isList ? choices : ["", ...choices];
  return h("select", { name, required, multiple: isList }, options.map((value) => h("option", { value }, value)));
}

function field(parameter) {
  const place = ` ${parameter.in}${parameter.required ? ", required" : ""}`;
  return h("label", {}, h("span", {}, parameter.name, h("i", {}, place)), control(parameter),
           h("small", {}, prose(parameter.description)));
}

function bodyFields(schema) {
  const text = JSON.stringify(example(schema), null, 2);
  return [
    h("label", {}, h("span", {}, "Body", h("i", {}, ` ${nameOf(schema.$ref)}, JSON`)),
      h("textarea", { name: "body", value: text, spellcheck: "false" })),
    folded("Members of the body", members(schema)),
  ];
}

function fields({ parameters, requestBody }) {
  const sent = requestBody?.content["application/json"].schema;
  const headers = parameters.filter((each) => each.in === "header");
  const others = parameters.filter((each) => each.in !== "header");
  return [
    others.map(field),
    sent ? bodyFields(sent) : [],
    headers.length ? folded("Headers of the request", headers.map(field)) : [],
  ].flat();
}

function showCommand(place, text) {
  place.replaceChildren(h("pre", {}, text), copyButton(() => text, { what: "the curl command", isSmall: true }));
}

function form(path, method, operation, key) {
  const shown = h("div", { class: "answer" });
  const command = h("div", { class: "curl" });
  const stop = h("button", { type: "button", class: "button", hidden: true, onclick: () => running.abort() }, "Stop");
  let running = new AbortController();
  const submit = async (event) => {
    event.preventDefault();
    running.abort();
    const mine = (running = new AbortController());
    const [address, request] = createRequest(event.target, path, method, operation, key());
    showCommand(command, curl(address, request));
    stop.hidden = false;
    await send(address, request, shown, mine.signal);
    if (running === mine) stop.hidden = true;
  };
  const buttons = h("div", { class: "buttons" }, h("button", { class: "button is-primary" }, "Send"), stop);
  return h("form", { onsubmit: submit }, fields(operation), buttons, command, shown);
}

function answerRow([status, { description, content = {} }]) {
  const bodies = Object.entries(content).map(([type, { schema }]) =>
    h("div", {}, schema?.$ref ? h("a", { href: `#${nameOf(schema.$ref)}` }, nameOf(schema.$ref)) : type));
  return [[h("strong", {}, status)], prose(description), bodies];
}

function answers({ responses }) {
  const isError = ([, { content = {} }]) => "application/problem+json" in content;
  const all = Object.entries(responses);
  const errors = all.filter(isError).map(([status, { description }]) => [[h("strong", {}, status)], prose(description)]);
  return [
    h("h4", {}, "Answers"),
    table(["Status", "Meaning", "Body"], all.filter((each) => !isError(each)).map(answerRow)),
    folded("Errors", table(["Status", "Codes"], errors)),
  ];
}

// Creates the entry of a call, whose content is created when it is first opened.
export function call(path, method, operation, key) {
  const heading = h("h3", {}, badge(method), h("code", {}, path), h("span", {}, operation.summary));
  const fill = () => entry.childElementCount > 1 || entry.append(
    h("p", {}, prose(operation.description)), form(path, method, operation, key), ...answers(operation));
  const entry = h("details", { id: operation.operationId, class: "call", ontoggle: fill }, h("summary", {}, heading));
  return entry;
}
