#!/bin/sh
# Prints the path of an ollama program: the one on PATH, or v0.17.4 built from
# its Go module into a cache folder (about ten minutes on two cores, once; CPU
# only). The demo and the end-to-end tests run on it. With -n nothing is built.
#
# Module zips leave out every folder named vendor, and with it three headers
# that ollama's C++ needs: two are Debian packages, the third is in a module.
set -eu

version=v0.17.4
malgo=v0.11.24

if command -v ollama; then
	exit 0
fi

# ggml's code for the CPU uses what the compiler may: with AVX2 a model answers
# several times faster than with the instructions that every x86-64 has. The
# cache's name says which, since the program ends on a CPU without them.
has=
while read -r name _ features; do
	[ "$name" != flags ] || has=" $features "
done </proc/cpuinfo
cpu=avx2 flags="-mavx2 -mfma -mf16c -mbmi2"
for flag in $flags; do
	case $has in *" ${flag#-m} "*) ;; *) cpu=baseline flags= ;; esac
done

cache=${XDG_CACHE_HOME:-$HOME/.cache}/perg/ollama-$version-$cpu
if [ -x "$cache/ollama" ]; then
	echo "$cache/ollama"
	exit 0
fi
[ "${1:-}" != -n ] || exit 1

fail() {
	echo "perg: cannot build ollama: $1" >&2
	[ -z "${2:-}" ] || echo "hint: $2" >&2
	exit 1
}

for tool in go gcc; do
	command -v $tool >/dev/null || fail "$tool is not on PATH" "install it, or put an ollama program on PATH"
done

missing=
command -v g++ >/dev/null || missing="$missing g++"
[ -e /usr/include/nlohmann/json.hpp ] || missing="$missing nlohmann-json3-dev"
[ -e /usr/include/stb/stb_image.h ] || missing="$missing libstb-dev"
if [ -n "$missing" ]; then
	command -v apt-get >/dev/null || fail "these are missing:$missing (their names in Debian)" "install them, or put an ollama program on PATH"
	[ "$(id -u)" = 0 ] || fail "these Debian packages are not installed:$missing" "sudo apt-get install$missing"
	echo "installing Debian's$missing" >&2
	apt-get update -qq >&2
	# shellcheck disable=SC2086 # a list of packages
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >&2
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

header=$(cd "$work" && GOFLAGS=-mod=mod go mod download -json "github.com/gen2brain/malgo@$malgo" | sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p')
[ -e "$header/miniaudio.h" ] || fail "miniaudio.h is not in the module github.com/gen2brain/malgo@$malgo"
# A path that stays the same, so that Go's build cache knows it again.
mkdir -p "$cache/include"
ln -sfn "$header" "$cache/include/miniaudio"

echo "building ollama $version ($cpu) into $cache (about ten minutes on two cores, once)" >&2
(
	cd "$work"
	CGO_ENABLED=1 CGO_CPPFLAGS="-I$cache/include" CGO_CXXFLAGS="-O3 -w $flags" CGO_CFLAGS="-O3 -w $flags" GOFLAGS= GOBIN="$work/bin" \
		go install -trimpath -ldflags "-X github.com/ollama/ollama/version.Version=${version#v}" "github.com/ollama/ollama@$version" >&2
) || fail "the compiler's messages are above" "put an ollama program on PATH instead"

# Two builds may race: the rename is atomic and the binaries are alike.
mv "$work/bin/ollama" "$cache/ollama"
echo "$cache/ollama"
