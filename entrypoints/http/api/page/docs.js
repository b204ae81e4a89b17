// Shows the operations of openapi.json and calls them. The key is only kept in the page's memory.
"use strict";

const key = document.getElementById("key");
let schemas = {};

function element(name, properties = {}, ...children) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...children);
  return created;
}

function resolve(schema) {
  return schema.$ref ? schemas[schema.$ref.split("/").pop()] : schema;
}

// Returns an example of the schema with its required members only.
function example(given) {
  const schema = resolve(given);
  if (schema.examples) return schema.examples[0];
  if (schema.type !== "object") return { integer: 0, boolean: false, array: [] }[schema.type] ?? "";
  const required = schema.required ?? [];
  return Object.fromEntries(required.map((name) => [name, example(schema.properties[name])]));
}

function field(parameter) {
  const schema = parameter.schema.items ?? parameter.schema;
  const several = parameter.schema.type === "array";
  const input = schema.enum
    ? element("select", { multiple: several }, ...(several ? [] : [element("option")]),
              ...schema.enum.map((value) => element("option", {}, value)))
    : element("input", { placeholder: schema.examples?.[0] ?? "" });
  input.name = parameter.name;
  input.required = parameter.required;
  return element("label", {}, `${parameter.name} (${parameter.in})`, input,
                 element("small", {}, parameter.description));
}

function values(form, name) {
  const input = form.elements.namedItem(name);
  const given = input.multiple ? [...input.selectedOptions].map((option) => option.value) : [input.value];
  return given.filter((value) => value !== "");
}

// Returns the request of the form; addresses are relative, so that a proxy may serve pgvend below a path.
function request(form, path, method, operation) {
  const headers = {};
  const query = new URLSearchParams();
  let address = path;
  for (const { in: place, name } of operation.parameters) {
    for (const value of values(form, name)) {
      if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(value));
      if (place === "query") query.append(name, value);
      if (place === "header") headers[name] = value;
    }
  }
  if (key.value) headers.Authorization = `Bearer ${key.value}`;
  const body = form.elements.namedItem("body")?.value || undefined;
  if (body) headers["Content-Type"] = "application/json";
  const search = query.size ? `?${query}` : "";
  return [new URL(`.${address}${search}`, document.baseURI), { method: method.toUpperCase(), headers, body }];
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl(address, { method, headers, body }) {
  const options = Object.entries(headers).map(([name, value]) =>
    name === "Authorization" ? `-H "Authorization: Bearer $PGVEND_KEY"` : `-H ${quote(`${name}: ${value}`)}`);
  return ["curl", `-X ${method}`, quote(address.href), ...options, ...(body ? [`-d ${quote(body)}`] : [])].join(" ");
}

function format(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// Shows the answer as it arrives, because events arrive one by one.
async function show(response, shown) {
  const head = [`${response.status} ${response.statusText}`, ...[...response.headers].map((pair) => pair.join(": "))];
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    shown.textContent = `${head.join("\n")}\n\n${format(text)}`;
    const { value, done } = (await reader?.read()) ?? { done: true };
    if (done) return;
    text += value;
  }
}

async function send(form, path, method, operation, shown) {
  const [address, init] = request(form, path, method, operation);
  form.querySelector(".curl").textContent = curl(address, init);
  shown.textContent = "…";
  try {
    await show(await fetch(address, init), shown);
  } catch (error) {
    shown.textContent = `No answer: ${error.message}`;
  }
}

function call(path, method, operation) {
  const shown = element("pre", { className: "answer" });
  const sent = operation.requestBody?.content["application/json"].schema;
  const body = sent && element("textarea", { name: "body", value: JSON.stringify(example(sent), null, 2), spellcheck: false });
  const answers = Object.entries(operation.responses).map(([status, answer]) =>
    element("tr", {}, element("td", {}, status), element("td", {}, answer.description)));
  const form = element("form", {},
    ...operation.parameters.map(field),
    ...(body ? [element("label", {}, `body (${resolve(sent).title})`, body)] : []),
    element("button", {}, "Send"),
    element("pre", { className: "curl" }),
    shown);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, path, method, operation, shown);
  });
  return element("details", { id: operation.operationId },
    element("summary", {}, element("b", {}, method.toUpperCase()), element("code", {}, path),
            element("span", {}, operation.summary)),
    element("p", {}, operation.description),
    element("table", {}, ...answers), form);
}

async function main() {
  const response = await fetch("openapi.json");
  const described = await response.json();
  schemas = described.components.schemas;
  document.getElementById("about").replaceChildren(
    `${described.info.description} Release ${described.info.version}; `,
    element("a", { href: "openapi.json" }, "openapi.json"), ".");
  for (const [path, operations] of Object.entries(described.paths))
    for (const [method, operation] of Object.entries(operations))
      document.getElementById("calls").append(call(path, method, operation));
  for (const [name, schema] of Object.entries(schemas))
    document.getElementById("schemas").append(
      element("details", {}, element("summary", {}, name), element("pre", {}, JSON.stringify(schema, null, 2))));
}

main();
