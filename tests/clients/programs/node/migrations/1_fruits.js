exports.up = async (knex) => {
  await knex.schema.createTable("fruits", (table) => {
    table.increments("id");
    table.text("name").notNullable();
  });
  await knex("fruits").insert([{ name: "Äpfel" }, { name: "Birnen" }]);
};

exports.down = (knex) => knex.schema.dropTable("fruits");
