#!/bin/sh
# Finds a Python that fundledger runs on and hands over to bootstrap.py, which does all the set-up.
# FUNDLEDGER_PYTHON names one by hand. A candidate is asked for its version, because a shim may exist and not work.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
for python in "${FUNDLEDGER_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
    [ -n "$python" ] || continue
    if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
        exec "$python" "$here/bootstrap.py" "$@"
    fi
done
echo "fundledger needs CPython 3.11 to 3.14 as python3; none was found (FUNDLEDGER_PYTHON can name one)." >&2
exit 1
