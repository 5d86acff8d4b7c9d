#!/bin/sh
# Installs westsea into a folder, the way the image has it: image.sh SOURCE FOLDER
# The Dockerfile runs this, and so do the tests, where no engine for containers is at hand.
set -eu
source=$1 prefix=$2
: "${NUMBA_CPU_NAME:?}" "${NUMBA_CPU_FEATURES?set it, if only to nothing}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

uv=$(command -v uv) || {
	python3 -m venv "$work/tools"
	"$work/tools/bin/python" -m pip --disable-pip-version-check --quiet install \
		--only-binary :all: --require-hashes -r "$source/requirements-uv.txt"
	uv=$work/tools/bin/uv
}

# Copied, not linked: times of files are changed below, and uv's cache must keep its own.
export UV_LINK_MODE=copy
pip() { "$uv" --quiet pip "$@" --python "$prefix/bin/python"; }

python3 -m venv --without-pip "$prefix"
pip install --only-binary :all: --require-hashes -r "$source/requirements.txt"
cp -r "$source" "$work/source"
(cd "$work/source" && "$prefix/bin/python" -m hatchling build -t wheel -d "$work/wheel")
pip install --no-deps --no-index "$work"/wheel/*.whl
# What built the wheel has done its work.
pip uninstall hatchling editables pathspec pluggy trove-classifiers

# numba trusts a compiled kernel while its source has the very time that it had, and the layers of
# an image keep whole seconds only: without this each pod would compile all of them anew.
find "$prefix" -name '*.py' -exec touch -d @0 {} +
"$prefix/bin/python" -m compileall -q -j 0 "$prefix/lib" || true # some packages ship templates

WESTSEA_JIT_CACHE=1 NUMBA_CACHE_DIR="$prefix/kernels" "$prefix/bin/python" -c '
from westsea.compiled import compile_once
compile_once()
'
# Locks of the machine that compiled.
rm -f "$prefix/kernels/lock" "$prefix"/kernels/done-*
