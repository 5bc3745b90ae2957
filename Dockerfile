# The web page and the API of `unblur serve`: docker build -t unblur .
# A node of a Ray cluster for `unblur bulk`: docker build --target cluster -t unblur-cluster .
FROM python:3.12-slim AS build
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE THIRD-PARTY-NOTICES.txt ./
COPY src src
RUN python -m venv /opt/unblur \
    && PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
       /opt/unblur/bin/pip install --no-cache-dir '.[serve,heic]'

FROM build AS build-cluster
# The file systems of the stores: s3fs for s3://, gcsfs for gs://, adlfs for az:// and abfs://.
ARG STORES=s3fs
# ray[default]: the dashboard, to which jobs are submitted and which KubeRay's probes ask.
RUN PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
    /opt/unblur/bin/pip install --no-cache-dir '.[cluster,heic]' 'ray[default]' ${STORES}

FROM python:3.12-slim AS cluster
COPY --from=build-cluster /opt/unblur /opt/unblur
# KubeRay starts Ray by bash; its probes need wget where it does not know Ray 2.53 and later.
RUN apt-get update && apt-get install -y --no-install-recommends wget \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 --shell /bin/bash unblur
USER 10001
WORKDIR /home/unblur
ENV PATH=/opt/unblur/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RAY_USAGE_STATS_ENABLED=0

FROM python:3.12-slim AS serve
COPY --from=build /opt/unblur /opt/unblur
# Nothing is written but to /data (jobs, the page's too) and /tmp (requests and large photos while
# they are at work).
RUN useradd --system --uid 10001 --home-dir /tmp --shell /usr/sbin/nologin unblur \
    && install -d -o unblur -g unblur -m 700 /data
USER 10001
VOLUME /data
ENV PATH=/opt/unblur/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    UNBLUR_HOST=0.0.0.0 \
    UNBLUR_PORT=7860 \
    UNBLUR_JOBS=/data/jobs
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['UNBLUR_PORT'] + '/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["unblur", "serve"]
