// Shows JSON schemas of openapi.json: their types, their members and examples.
import { h } from "../console/dom.js";
import { prose, table } from "./elements.js";

let schemas = {};

export function useSchemas(given) {
  schemas = given;
}

export const nameOf = (reference) => reference.split("/").pop();

function resolve(schema) {
  return schema.$ref ? schemas[nameOf(schema.$ref)] : schema;
}

// Returns an example of the schema with its required members only.
export function example(given) {
  const schema = resolve(given);
  if (schema.examples) return schema.examples[0];
  if (schema.enum) return schema.enum[0];
  if (schema.type !== "object") return { integer: 0, boolean: false, array: [] }[schema.type] ?? "";
  const required = schema.required ?? [];
  return Object.fromEntries(required.map((name) => [name, example(schema.properties[name])]));
}

const separated = (parts, by) => parts.flatMap((part, index) => (index ? [by, part] : [part])).flat();

// Returns the type as nodes, with links to other schemas.
function typeOf(schema) {
  if (schema.$ref) return [h("a", { href: `#${nameOf(schema.$ref)}` }, nameOf(schema.$ref))];
  if (schema.enum) return separated(schema.enum.map((value) => h("code", {}, value)), ", ");
  if (schema.anyOf) return separated(schema.anyOf.map(typeOf), " or ");
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items ?? {})];
  return [schema.format ?? schema.type ?? "any"];
}

function meaningOf(schema) {
  const versions = [schema, ...(schema.anyOf ?? [])];
  const described = versions.find((each) => each.description)?.description;
  const examples = versions.flatMap((each) => each.examples ?? []);
  const shown = examples.map((value) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``);
  return prose([described, shown.length && `For example ${shown.join(" or ")}.`].filter(Boolean).join(" "));
}

// Returns a table of the schema's members, or the type of a schema without members.
export function members(given) {
  const schema = resolve(given);
  if (!schema.properties) return h("p", {}, typeOf(schema));
  const required = schema.required ?? [];
  return table(["Member", "Type", "Meaning"], Object.entries(schema.properties).map(([name, each]) => [
    [h("code", {}, name), ...(required.includes(name) ? [] : [h("small", {}, " optional")])],
    typeOf(each),
    meaningOf(each),
  ]));
}
