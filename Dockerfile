# fundledger against a PostgreSQL of its own (see compose.yaml). The embedded server works in here too, for a trial:
# give it a volume at /data and leave the database URLs out.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /app/venv
# The lock alone first: the layer of packages is made again only when the lock changes.
COPY requirements.lock /app/
RUN /app/venv/bin/pip install --require-hashes --no-deps --only-binary :all: --requirement /app/requirements.lock

FROM python:3.13-slim
LABEL org.opencontainers.image.title="fundledger" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin fundledger \
    && install --directory --owner=fundledger --group=fundledger --mode=0700 /data
COPY --from=build /app/venv /app/venv
COPY LICENSE README.md pyproject.toml /app/
COPY migrations /app/migrations
COPY src /app/src
ENV PATH=/app/venv/bin:$PATH \
    PYTHONPATH=/app/src \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FUNDLEDGER_HOST=0.0.0.0 \
    FUNDLEDGER_PORT=8000 \
    FUNDLEDGER_DATA_DIR=/data
USER fundledger
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=6 CMD ["python", "-c", \
    "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['FUNDLEDGER_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "fundledger"]
CMD ["serve"]
