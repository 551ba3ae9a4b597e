# The command `caudal` and nothing else, from the same hashed lock file as `make demo`.

# Built where there is a compiler: for Linux on arm64 hdrhistogram comes as source alone.
FROM python:3.11-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/caudal
WORKDIR /src
COPY requirements/run.lock requirements/run.lock
RUN /opt/caudal/bin/pip install --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md LICENSE ./
COPY system system
COPY loadgen loadgen
COPY experiments experiments
RUN /opt/caudal/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
# The root file system may be read-only: what writes (matplotlib its cache) writes to /tmp.
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/opt/caudal/bin:/usr/local/bin:/usr/bin:/bin
COPY --from=build /opt/caudal /opt/caudal
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin caudal
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["caudal"]
CMD ["--help"]
