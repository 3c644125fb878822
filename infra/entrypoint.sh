#!/bin/sh
# What the container runs, always in place of this shell so that signals arrive.
#   on Lambda        the runtime client; the argument names the handler, else it is the API's
#   elsewhere        its arguments as a command; the image's own is the server on $PORT
set -eu
if [ -n "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
  case "${1:-}" in
    "" | customer-clusters) exec python -m awslambdaric functions.api.handler ;;
    *) exec python -m awslambdaric "$1" ;;
  esac
fi
[ "${1:-}" != exec ] || shift # a platform may hand a line for a shell over as words
exec "$@"
