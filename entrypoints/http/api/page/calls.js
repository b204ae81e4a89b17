// One call of the API: its form, its answers and its errors.
import { send } from "./answers.js";
import { element, method as badge, prose, table } from "./elements.js";
import { createRequest, curl } from "./requests.js";
import { example, members, nameOf } from "./schemas.js";

function field(parameter) {
  const schema = parameter.schema.items ?? parameter.schema;
  const several = parameter.schema.type === "array";
  const choices = schema.enum ?? (schema.type === "boolean" ? ["true", "false"] : undefined);
  const input = choices
    ? element("select", { multiple: several }, ...(several ? [] : [element("option")]),
              ...choices.map((value) => element("option", {}, value)))
    : element("input", { placeholder: schema.examples?.[0] ?? "", autocomplete: "off", spellcheck: false });
  input.name = parameter.name;
  input.required = parameter.required;
  const place = ` ${parameter.in}${parameter.required ? ", required" : ""}`;
  return element("label", {}, parameter.name, element("i", {}, place), input,
                 element("small", {}, ...prose(parameter.description)));
}

function bodyField(schema) {
  const text = JSON.stringify(example(schema), null, 2);
  return [
    element("label", {}, "Body", element("i", {}, ` ${nameOf(schema.$ref)}, JSON`),
            element("textarea", { name: "body", value: text, spellcheck: false })),
    element("details", {}, element("summary", {}, "Members of the body"), members(schema)),
  ];
}

function headerFields(parameters) {
  if (!parameters.length) return [];
  return [element("details", {}, element("summary", {}, "Headers of the request"), ...parameters.map(field))];
}

function fields(operation) {
  const sent = operation.requestBody?.content["application/json"].schema;
  const headers = operation.parameters.filter((each) => each.in === "header");
  const others = operation.parameters.filter((each) => each.in !== "header");
  return [...others.map(field), ...(sent ? bodyField(sent) : []), ...headerFields(headers)];
}

function form(path, method, operation, key) {
  const shown = element("div", { className: "answer", ariaLive: "polite" });
  const command = element("pre", { className: "curl" });
  const stop = element("button", { type: "button", className: "plain", hidden: true }, "Stop");
  const buttons = element("div", { className: "buttons" }, element("button", {}, "Send"), stop);
  const created = element("form", {}, ...fields(operation), buttons, command, shown);
  let running = new AbortController();
  stop.addEventListener("click", () => running.abort());
  created.addEventListener("submit", async (event) => {
    event.preventDefault();
    running.abort();
    const mine = (running = new AbortController());
    const [address, request] = createRequest(created, path, method, operation, key());
    command.textContent = curl(address, request);
    stop.hidden = false;
    await send(address, request, shown, mine.signal);
    if (running === mine) stop.hidden = true;
  });
  return created;
}

function answerRow([status, answer]) {
  const media = Object.entries(answer.content ?? {});
  const bodies = media.map(([type, { schema }]) =>
    element("div", {}, ...(schema?.$ref ? [element("a", { href: `#${nameOf(schema.$ref)}` }, nameOf(schema.$ref))] : [type])));
  return [[element("b", {}, status)], prose(answer.description), bodies];
}

function answers(operation) {
  const all = Object.entries(operation.responses);
  const errors = all.filter(([, answer]) => "application/problem+json" in (answer.content ?? {}));
  const good = all.filter((each) => !errors.includes(each));
  const codes = errors.map(([status, answer]) => [[element("b", {}, status)], prose(answer.description)]);
  return [
    element("h4", {}, "Answers"),
    table(["Status", "Meaning", "Body"], good.map(answerRow)),
    element("details", {}, element("summary", {}, "Errors"), table(["Status", "Codes"], codes)),
  ];
}

export function call(path, method, operation, key) {
  const heading = element("h3", {}, badge(method), element("code", {}, path), element("span", {}, operation.summary));
  const made = element("details", { id: operation.operationId, className: "call" }, element("summary", {}, heading));
  const fill = () => made.childElementCount > 1 || made.append(
    element("p", {}, ...prose(operation.description)), form(path, method, operation, key), ...answers(operation));
  made.addEventListener("toggle", fill);
  return made;
}
