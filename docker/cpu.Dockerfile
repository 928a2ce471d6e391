# The service for PCs, x86_64 and aarch64: networks and painting on the CPU, cameras by RTSP, USB and files. A Jetson's is jetson.Dockerfile.
#   docker build -f docker/cpu.Dockerfile -t edge:cpu .
#   docker build -f docker/cpu.Dockerfile -t edge:demo --target demo .
# Any Debian or Ubuntu whose python3 is 3.10 to 3.13; name it by digest to have the very same image again.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS system
# tzdata, because `timezone:` names days; certificates, because a broker or a camera may have a public one.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 tzdata \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log

FROM system AS builder
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY docker/requirements-build.txt docker/requirements.txt docker/
RUN python3 -m venv /build \
    && /build/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r docker/requirements-build.txt \
    && python3 -m venv --without-pip /opt/edge \
    && /build/bin/python -m pip --python /opt/edge/bin/python install --no-cache-dir --no-compile --require-hashes --only-binary :all: \
        -r docker/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY edge edge
# Compiled here, as the root file system will be read-only; by content and not by date, so that the same sources give the same bytes.
RUN /build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
    && /build/bin/python -m pip --python /opt/edge/bin/python install --no-compile --no-deps --no-index /wheels/*.whl \
    && /opt/edge/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/edge/lib

FROM builder AS demo-builder
COPY docker/requirements-demo.txt docker/
RUN /build/bin/python -m pip install --no-cache-dir --no-compile --no-deps --require-hashes --only-binary :all: --target /opt/demo \
        -r docker/requirements-demo.txt \
    && /opt/edge/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/demo

FROM system AS runtime
ARG REVISION=unknown
LABEL org.opencontainers.image.title="edge" \
      org.opencontainers.image.description="Cameras become counts, heatmaps and video that people can trust; on a CPU" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 edge \
    && useradd --uid 10001 --gid edge --no-create-home --home-dir /var/lib/edge --shell /usr/sbin/nologin edge \
    && install -d -o edge -g edge /var/lib/edge /var/lib/edge/video /var/cache/edge/models
COPY --from=builder /opt/edge /opt/edge
# HOME: what libraries leave behind goes where everything is forgotten.
ENV PATH=/opt/edge/bin:$PATH \
    HOME=/tmp \
    EDGE_CACHE=/var/cache/edge/models \
    EDGE_HEARTBEAT=/tmp/edge-heartbeat.json
WORKDIR /var/lib/edge
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=2 CMD ["edge", "healthcheck", "--end"]
ENTRYPOINT ["edge"]

# `edge demo` needs a plot, a broker and the model in the box, which is under AGPL-3.0: they are in this image only.
FROM runtime AS demo
LABEL org.opencontainers.image.licenses="Apache-2.0 AND AGPL-3.0-only"
USER 0:0
COPY --from=demo-builder /opt/demo /opt/demo
COPY models /opt/demo/models
RUN ln -s /opt/demo/models "$(/opt/edge/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/models"
ENV PYTHONPATH=/opt/demo
USER 10001:10001
CMD ["demo", "--out", "/tmp/demo"]

FROM runtime AS service
CMD ["run", "-c", "/etc/edge/edge.yaml"]
