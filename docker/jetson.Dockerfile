# The service for a Jetson: TensorRT and CUDA of its JetPack, pycuda compiled once, GStreamer and PyGObject of the system; no torch, no compiler.
#   sudo docker build -f docker/jetson.Dockerfile -t edge:jetson --build-arg JETPACK=6 \
#       --secret id=jetpack.list,src=/etc/apt/sources.list.d/nvidia-l4t-apt-source.list \
#       --secret id=jetpack.asc,src=/etc/apt/trusted.gpg.d/jetson-ota-public.asc .
# JETPACK is 6 or 7. The two files tell apt where this very JetPack's packages are, so the image fits the device it is built on; a base that
# knows it already (NVIDIA's l4t-jetpack, given as JETPACK6_BASE) needs neither.
ARG JETPACK=6
ARG JETPACK6_BASE=ubuntu:22.04
ARG JETPACK7_BASE=ubuntu:24.04

FROM ${JETPACK6_BASE} AS jetpack-6
# CUDA's packages are called by its version. Kernels are compiled for these GPUs: Orin; Orin and Thor.
ENV EDGE_CUDA=12-6 \
    EDGE_ARCHS="sm_87"

FROM ${JETPACK7_BASE} AS jetpack-7
ENV EDGE_CUDA=13-0 \
    EDGE_ARCHS="sm_87 sm_110"

# The libraries that both stages need, of the same JetPack. libnvinfer brings what runs engines and what builds them.
# hadolint ignore=DL3006
FROM jetpack-${JETPACK} AS system
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
RUN --mount=type=secret,id=jetpack.list,target=/etc/apt/sources.list.d/jetpack.list \
    --mount=type=secret,id=jetpack.asc,target=/etc/apt/trusted.gpg.d/jetson-ota-public.asc,mode=0444 \
    apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        "cuda-cudart-${EDGE_CUDA}" python3-libnvinfer \
        gir1.2-gst-plugins-base-1.0 gir1.2-gstreamer-1.0 gstreamer1.0-plugins-bad gstreamer1.0-plugins-base gstreamer1.0-plugins-good python3 python3-gi tzdata \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log

FROM system AS builder
RUN --mount=type=secret,id=jetpack.list,target=/etc/apt/sources.list.d/jetpack.list \
    --mount=type=secret,id=jetpack.asc,target=/etc/apt/trusted.gpg.d/jetson-ota-public.asc,mode=0444 \
    apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        "cuda-cudart-dev-${EDGE_CUDA}" "cuda-nvcc-${EDGE_CUDA}" "cuda-profiler-api-${EDGE_CUDA}" g++ python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY docker/requirements-build.txt docker/requirements.txt docker/requirements-jetson.txt docker/
# The system's site packages, where JetPack's TensorRT and PyGObject are.
RUN python3 -m venv /build \
    && /build/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r docker/requirements-build.txt \
    && python3 -m venv --without-pip --system-site-packages /opt/edge \
    && /build/bin/python -m pip --python /opt/edge/bin/python install --no-cache-dir --no-compile --require-hashes --only-binary :all: \
        --ignore-installed -r docker/requirements.txt
# pycuda has no wheel: it is compiled by the script that does so everywhere, of the source that the pins name. The rest are wheels.
# It is compiled against the service's NumPy, hence the path.
COPY scripts/pycuda.sh scripts/
RUN /build/bin/python -m pip download --no-cache-dir --no-deps --no-build-isolation --require-hashes --only-binary :all: --no-binary pycuda --dest /wheels \
        -r docker/requirements-jetson.txt \
    && PYTHONPATH="$(/opt/edge/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" PIP_NO_BUILD_ISOLATION=0 PIP_NO_DEPS=1 \
        XDG_CACHE_HOME=/wheels PYCUDA_SOURCE="$(echo /wheels/pycuda-*.tar.gz)" bash scripts/pycuda.sh /build \
    && find /wheels -name '*.whl' -exec /build/bin/python -m pip --python /opt/edge/bin/python install --no-compile --no-deps --no-index --ignore-installed {} +
COPY pyproject.toml README.md LICENSE ./
COPY edge edge
COPY docker/compile_kernels.py docker/
# Kernels need no GPU to be compiled. Where the image keeps them, beside the volume of engines, nobody has to write.
# hadolint ignore=SC2086
RUN /build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --no-index --wheel-dir /own . \
    && /build/bin/python -m pip --python /opt/edge/bin/python install --no-compile --no-deps --no-index /own/*.whl \
    && /opt/edge/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/edge/lib \
    && EDGE_CACHE=/var/cache/edge/models /opt/edge/bin/python docker/compile_kernels.py ${EDGE_ARCHS} \
    && chmod -R a+rX /var/cache/edge/kernels

FROM system AS service
ARG REVISION=unknown
LABEL org.opencontainers.image.title="edge" \
      org.opencontainers.image.description="Cameras become counts, heatmaps and video that people can trust; on a Jetson" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 edge \
    && useradd --uid 10001 --gid edge --groups video --no-create-home --home-dir /var/lib/edge --shell /usr/sbin/nologin edge \
    && install -d -o edge -g edge /var/lib/edge /var/lib/edge/video /var/cache/edge/models
COPY --from=builder /opt/edge /opt/edge
COPY --from=builder /var/cache/edge/kernels /var/cache/edge/kernels
# The NVIDIA runtime brings the driver, Argus and NVIDIA's GStreamer elements of the device itself; HOME, GStreamer's registry and what other
# libraries leave behind go where everything is forgotten.
ENV PATH=/opt/edge/bin:$PATH \
    HOME=/tmp \
    EDGE_CACHE=/var/cache/edge/models \
    EDGE_HEARTBEAT=/tmp/edge-heartbeat.json \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=all
WORKDIR /var/lib/edge
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=15s --start-period=120s --retries=2 CMD ["edge", "healthcheck", "--end"]
ENTRYPOINT ["edge"]
CMD ["run", "-c", "/etc/edge/edge.yaml"]
