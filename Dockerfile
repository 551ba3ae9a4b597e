# The command `caudal` and nothing else, from the same hashed lock file as `make demo`.
FROM python:3.11-slim-bookworm

# The root file system may be read-only: what writes (matplotlib its cache) writes to /tmp.
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/run.lock requirements/run.lock
RUN pip install --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md LICENSE ./
COPY system system
COPY loadgen loadgen
COPY experiments experiments
RUN pip install --no-deps --no-build-isolation . && rm -rf /src/*

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin caudal
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["caudal"]
CMD ["--help"]
