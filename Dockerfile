# The one image: Lambda and anything with a port run it. `make image` builds it; with PART=train it
# is the same code on the training stack, for the scheduled retraining.
#
# A private package index or certificate comes in as the build secrets `pip` (a pip.conf) and `ca`
# (a bundle of certificates); both are mounted for one command each and are in no layer.
# The base by its digest, of all architectures: Python 3.13.15 on Debian 13.6. A newer one is what
# `docker buildx imagetools inspect python:3.13-slim-trixie` says; Dependabot tells of it too.
ARG BASE_IMAGE=python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285
# What it is for, which is what it depends on: requirements/serve.txt, otel.txt (the same, and the SDK of
# OpenTelemetry) or train.txt.
ARG PART=serve

# What builds: pip, setuptools and the writer of the bill of materials. Nothing of it is shipped.
FROM ${BASE_IMAGE} AS tools
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: PIP_QUIET=1 \
    PYTHONDONTWRITEBYTECODE=1 SOURCE_DATE_EPOCH=315532800
COPY requirements/image.txt /build/requirements/
RUN --mount=type=secret,required=false,id=pip,target=/etc/pip.conf \
    --mount=type=secret,required=false,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv /build/tools \
    && /build/tools/bin/pip install --no-deps --require-hashes -r /build/requirements/image.txt

# What that part depends on, without what it never opens, compiled so that nothing is at the start.
FROM tools AS dependencies
ARG PART
COPY requirements/${PART}.txt /build/requirements/
RUN --mount=type=secret,required=false,id=pip,target=/etc/pip.conf \
    --mount=type=secret,required=false,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv --without-pip /opt/venv \
    && /build/tools/bin/pip --python /opt/venv/bin/python install --no-compile \
       --no-deps --require-hashes -r /build/requirements/${PART}.txt
COPY infra/slim.py /build/
# Python's own library too: the official bases come without its bytecode, which took 0.7 s a start.
RUN python3 /build/slim.py /opt/venv/lib/python3*/site-packages \
    && PYTHONPYCACHEPREFIX=/opt/pycache python3 -m compileall -q --invalidation-mode unchecked-hash \
       -x '/(test|tests|site-packages|dist-packages|ensurepip|idlelib|lib2to3|pydoc_data|tkinter|turtledemo)/' \
       "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && PYTHONPYCACHEPREFIX=/opt/pycache python3 -m compileall -q --invalidation-mode unchecked-hash \
       /opt/venv/lib

# Our own code, apart from its dependencies: a new version of it is a new layer of few megabytes.
FROM dependencies AS code
COPY pyproject.toml README.md LICENSE /build/source/
COPY functions /build/source/functions
COPY pipeline /build/source/pipeline
COPY model_store /build/source/model_store
COPY infra/wheel /build/source/infra/wheel
# No index is asked, but pip reads the certificates, which some builders take away with the mount.
RUN --mount=type=secret,required=false,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    cd /build/source \
    && /build/tools/bin/pip wheel --no-index --no-deps --no-build-isolation \
       --config-settings rooms=apart -w /build/wheels . \
    && /build/tools/bin/pip --python /opt/venv/bin/python install --no-compile \
       --no-index --no-deps --target /opt/code /build/wheels/*.whl \
    && PYTHONPYCACHEPREFIX=/opt/pycache python3 -m compileall -q --invalidation-mode unchecked-hash \
       /opt/code \
    && mkdir /about \
    && /build/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application \
       --output-reproducible --of JSON -o /about/sbom.cdx.json /opt/venv/bin/python \
    && python3 /build/slim.py --sizes /opt/venv /opt/code /opt/pycache > /about/sizes.txt

FROM ${BASE_IMAGE} AS serve
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=dependencies /opt/pycache /opt/pycache
COPY --from=code /about /usr/share/customer-clusters
COPY --from=code /opt/code /opt/code
COPY --from=code /opt/pycache/opt/code /opt/pycache/opt/code
COPY --chmod=755 infra/entrypoint.sh /entrypoint.sh
# Any user may run it and only /tmp is written: there is no home, and no bytecode to add.
ENV PATH=/opt/code/bin:/opt/venv/bin:$PATH PYTHONPATH=/opt/code HOME=/tmp \
    PYTHONPYCACHEPREFIX=/opt/pycache PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/health/live', timeout=4)"]
ENTRYPOINT ["/entrypoint.sh"]
CMD ["customer-clusters", "serve", "--host", "0.0.0.0"]
# The last one lets Lambda take snapshots: it insists on it where the base is not AWS's own.
# Version, revision and date come from the command line.
LABEL org.opencontainers.image.title="customer-clusters" \
      org.opencontainers.image.description="Assigns bank customers to clusters: HTTP API, pages and files" \
      com.amazonaws.lambda.feature.snapstart="Allow"
