#!/bin/sh
# What the container runs, always in place of this shell so that signals arrive.
#   on Lambda            the runtime client; the argument names the handler
#   with no argument     the server, on $PORT with $WEB_CONCURRENCY workers
#   with any other       that command, such as: customer-clusters score /data/customers.csv
set -eu
if [ -n "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
  exec python -m awslambdaric "${1:-functions.api.handler}"
elif [ $# -eq 0 ]; then
  exec customer-clusters serve --host 0.0.0.0
else
  exec "$@"
fi
