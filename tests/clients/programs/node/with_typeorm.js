// A round trip by TypeORM, in a table that its migration has made.
const assert = require("node:assert");
const source = require("./data_source.js");

async function main() {
  await source.initialize();
  const fruits = source.getRepository("Fruit");
  await fruits.save([{ name: "Äpfel" }, { name: "Birnen" }]);
  const rows = await fruits.find({ order: { name: "ASC" } });
  assert.deepStrictEqual(rows.map(({ name }) => name).sort(), ["Birnen", "Äpfel"]);
  await source.destroy();
}

main();
