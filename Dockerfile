# This file was written without a container engine and has not been built yet.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/pgvend
COPY requirements/run.txt requirements/
RUN /opt/pgvend/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md ./
COPY domain domain
COPY ports ports
COPY adapters adapters
COPY entrypoints entrypoints
RUN /opt/pgvend/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
# The bundled PostgreSQL server requires a user with a name
RUN useradd --create-home --uid 10001 pgvend && install -d -o pgvend -m 0700 /data
COPY --from=build /opt/pgvend /opt/pgvend
ENV PATH=/opt/pgvend/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PGVEND_DATA_DIR=/data
USER pgvend
WORKDIR /home/pgvend
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD \
    ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\", 8000)}/livez')"]
ENTRYPOINT ["pgvend"]
# Without keys, the first start makes an admin key: /data/admin-key.
# Other containers cannot reach the bundled server, so use the provider postgres or neon:
#   docker run -p 127.0.0.1:8000:8000 -v pgvend:/data -e PGVEND_SECRET=... \
#       -e PGVEND_PROVIDER=postgres -e PGVEND_POSTGRES_ADMIN_DSN=... pgvend
CMD ["serve"]
