// A round trip by Drizzle over pg, in a table that Drizzle Kit has made.
const assert = require("node:assert");
const { drizzle } = require("drizzle-orm/node-postgres");
const { fruits } = require("./schema.js");

async function main() {
  const db = drizzle(process.env.DATABASE_URL);
  await db.insert(fruits).values([{ name: "Äpfel" }, { name: "Birnen", colour: "green" }]);
  const rows = await db.select().from(fruits).orderBy(fruits.id);
  assert.deepStrictEqual(rows, [
    { id: 1, name: "Äpfel", colour: "red" },
    { id: 2, name: "Birnen", colour: "green" },
  ]);
  await db.$client.end();
}

main();
