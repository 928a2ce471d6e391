# Makes an ONNX of a YOLO11's weights, by Ultralytics (AGPL-3.0) and torch, on any computer; nothing of it comes into the service's images.
#   docker build -f docker/export.Dockerfile -t edge:export .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/models" edge:export build yolo11n.pt --format onnx
# It is large, as PyPI's torch for x86_64 brings CUDA; keep it only as long as it is needed.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS system
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log

FROM system AS builder
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY docker/requirements-build.txt docker/requirements-export.txt docker/
RUN python3 -m venv /build \
    && /build/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r docker/requirements-build.txt \
    && python3 -m venv --without-pip /opt/edge \
    && /build/bin/python -m pip --python /opt/edge/bin/python install --no-cache-dir --no-compile --no-deps --require-hashes \
        --only-binary :all: -r docker/requirements-export.txt
COPY pyproject.toml README.md LICENSE ./
COPY edge edge
RUN /build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
    && /build/bin/python -m pip --python /opt/edge/bin/python install --no-compile --no-deps --no-index /wheels/*.whl

FROM system AS export
ARG REVISION=unknown
LABEL org.opencontainers.image.title="edge export" \
      org.opencontainers.image.description="Makes an ONNX of a YOLO11's weights" \
      org.opencontainers.image.licenses="Apache-2.0 AND AGPL-3.0-only" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=builder /opt/edge /opt/edge
ENV PATH=/opt/edge/bin:$PATH \
    HOME=/tmp \
    EDGE_CACHE=/tmp/edge/models \
    YOLO_CONFIG_DIR=/tmp
WORKDIR /models
USER 10001:10001
ENTRYPOINT ["edge"]
CMD ["build", "--help"]
