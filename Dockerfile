# The image of pgvend: docs/operations/container.md. `make image` builds it.
#
# BASE is any image of Linux with glibc, Python 3.11 or newer (`python3` with its module `venv`),
# `useradd`, `setpriv` and CA certificates.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
# Extras of pgvend, by the names of their locks in requirements/
ARG EXTRAS="mcp traces"
WORKDIR /src
COPY requirements requirements
# The secret `certificates` is a file of CA certificates, for a network whose proxy has its own
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=certificates,target=/run/secrets/certificates \
    if [ -f /run/secrets/certificates ]; then export PIP_CERT=/run/secrets/certificates; fi; \
    set -e; python3 -m venv /opt/pgvend; \
    for lock in run ${EXTRAS}; do \
        /opt/pgvend/bin/pip install --quiet --require-hashes -r "requirements/${lock}.txt"; \
    done
COPY . .
RUN /opt/pgvend/bin/pip install --quiet --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/pgvend/bin/pip uninstall --quiet --yes setuptools pip

FROM ${BASE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pgvend" \
      org.opencontainers.image.description="A Postgres vending service: a nickname in, a working database out." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"
# The bundled PostgreSQL server refuses to run as root, and requires a user with a name
RUN useradd --no-log-init --create-home --uid 10001 --shell /usr/sbin/nologin pgvend \
    && install -d -o pgvend -g pgvend -m 0700 /data
COPY --from=build /opt/pgvend /opt/pgvend
ENV PATH=/opt/pgvend/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PGVEND_DATA_DIR=/data \
    PGVEND_EMBEDDED_LISTEN=* \
    PGVEND_EMBEDDED_PORT=25432
USER 10001:10001
WORKDIR /home/pgvend
VOLUME /data
# The API, and the bundled PostgreSQL server if it is used
EXPOSE 8000 25432
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s CMD ["pgvend", "health", "--live"]
ENTRYPOINT ["pgvend"]
CMD ["serve"]
