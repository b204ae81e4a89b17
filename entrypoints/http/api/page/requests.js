// Makes the request of a form, and the curl command that sends the same.

function values(form, name) {
  const input = form.elements.namedItem(name);
  const given = input.multiple ? [...input.selectedOptions].map((option) => option.value) : [input.value];
  return given.filter((value) => value !== "");
}

// Returns the request of the form; addresses are relative, so that a proxy may serve pgvend below a path.
export function createRequest(form, path, method, operation, key) {
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
  if (key) headers.Authorization = `Bearer ${key}`;
  const body = form.elements.namedItem("body")?.value || undefined;
  if (body) headers["Content-Type"] = "application/json";
  const search = query.size ? `?${query}` : "";
  return [new URL(`.${address}${search}`, document.baseURI), { method: method.toUpperCase(), headers, body }];
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function curl(address, { method, headers, body }) {
  const options = Object.entries(headers).map(([name, value]) =>
    name === "Authorization" ? `-H "Authorization: Bearer $PGVEND_KEY"` : `-H ${quote(`${name}: ${value}`)}`);
  const verb = method === "GET" ? [] : [`-X ${method}`];
  return ["curl", ...verb, quote(address.href), ...options, ...(body ? [`-d ${quote(body)}`] : [])].join(" ");
}
