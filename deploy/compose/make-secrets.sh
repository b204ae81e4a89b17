#!/bin/sh
# Write the secrets of compose.yaml to the folder `secrets` next to this file. Keep those that exist.
#
# Containers read the files as users of their own, so that the files are readable and the folder is
# not.
set -eu

folder="$(dirname "$0")/secrets"
mkdir -p "$folder"
chmod 700 "$folder"
umask 022

write() { # write NAME TEXT
    [ -e "$folder/$1" ] || printf '%s\n' "$2" > "$folder/$1"
}

for name in postgres-password pgvend-password pooler-password service-secret admin-key; do
    write "$name" "$(openssl rand -hex 32)"
done
password=$(cat "$folder/pgvend-password")
write admin-dsn "postgresql://pgvend:$password@postgres:5432/postgres"
write registry-url "postgresql://pgvend:$password@postgres:5432/pgvend"
write userlist.txt "\"pgvend_pooler\" \"$(cat "$folder/pooler-password")\""
