#!/bin/sh
# What the container runs, always in place of this shell so that signals arrive.
#   on Lambda        the runtime client; the argument names the handler, else it is the API's
#   serve            the server on port 8080, or on the one that is named: how SageMaker starts it
#   elsewhere        its arguments as a command; the image's own is the server on $PORT
set -eu
if [ -n "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
  case "${1:-}" in
    "" | customer-clusters) exec python -m awslambdaric functions.api.handler ;;
    *) exec python -m awslambdaric "$1" ;;
  esac
fi
[ "${1:-}" != exec ] || shift # a platform may hand a line for a shell over as words
if [ "${1:-}" = serve ]; then
  shift
  exec customer-clusters serve --host 0.0.0.0 --port "${SAGEMAKER_BIND_TO_PORT:-8080}" "$@"
fi
exec "$@"
