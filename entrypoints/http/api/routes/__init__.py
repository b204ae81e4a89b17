"""The routes: path, scope, schemas and problems of each."""
