# The service, for a PostgreSQL of yours: set NRDB_DATABASE_URL. The embedded one is not in the image.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
# The build tools come from the lock too, so the wheel is built without fetching anything unlocked.
COPY requirements-dev.txt ./
RUN python -m venv /tools && /tools/bin/pip install --require-hashes -r requirements-dev.txt
COPY requirements.txt ./
RUN python -m venv /nrdb && /nrdb/bin/pip install --require-hashes -r requirements.txt
COPY pyproject.toml LICENSE README.md ./
COPY src ./src
COPY migrations ./migrations
RUN /tools/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /wheels . \
    && /nrdb/bin/pip install --no-deps /wheels/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home nrdb \
    && install -d -o nrdb -g nrdb /var/lib/nrdb
COPY --from=build /nrdb /nrdb
ENV PATH=/nrdb/bin:$PATH \
    NRDB_HOST=0.0.0.0 \
    NRDB_DATA_DIR=/var/lib/nrdb \
    NRDB_LOG_FORMAT=json
USER nrdb
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('NRDB_PORT', '8000')}/healthz\", timeout=2)"]
CMD ["nrdb", "serve"]
