"""Any PostgreSQL server, by SQL, through an admin who needs CREATEDB and CREATEROLE."""
