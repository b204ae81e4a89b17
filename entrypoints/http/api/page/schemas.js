// Shows JSON schemas of openapi.json: their types, their members and examples.
import { element, prose, table } from "./elements.js";

let schemas = {};

export function useSchemas(given) {
  schemas = given;
}

export const nameOf = (reference) => reference.split("/").pop();

export function resolve(schema) {
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

// Returns the type as nodes, with links to other schemas.
function typeOf(schema) {
  if (schema.$ref) {
    const name = nameOf(schema.$ref);
    return [element("a", { href: `#${name}` }, name)];
  }
  if (schema.enum) return schema.enum.flatMap((value, index) => [...(index ? [", "] : []), element("code", {}, value)]);
  if (schema.anyOf) return schema.anyOf.flatMap((each, index) => [...(index ? [" or "] : []), ...typeOf(each)]);
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items ?? {})];
  return [schema.format ?? schema.type ?? "any"];
}

function meaningOf(schema) {
  const described = [schema, ...(schema.anyOf ?? [])].find((each) => each.description)?.description;
  const examples = [schema, ...(schema.anyOf ?? [])].flatMap((each) => each.examples ?? []);
  const shown = examples.map((value) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``);
  return prose([described, shown.length && `For example ${shown.join(" or ")}.`].filter(Boolean).join(" "));
}

// Returns a table of the schema's members, or the type of a schema without members.
export function members(given) {
  const schema = resolve(given);
  if (!schema.properties) return element("p", {}, ...typeOf(schema));
  const required = schema.required ?? [];
  return table(["Member", "Type", "Meaning"], Object.entries(schema.properties).map(([name, each]) => [
    [element("code", {}, name), ...(required.includes(name) ? [] : [element("small", {}, " optional")])],
    typeOf(each),
    meaningOf(each),
  ]));
}
