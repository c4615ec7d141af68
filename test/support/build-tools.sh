#!/bin/sh
# Builds the servers that some tests need and that no npm package brings: versitygw, an S3 server of one binary.
# Needs Go 1.24 or newer; about four minutes, once. It goes to $VARVE_TOOLS, or to .cache/tools of this project.
set -eu
tools=${VARVE_TOOLS:-$(cd "$(dirname "$0")/../.." && pwd)/.cache/tools}
version=v1.8.0
binary="$tools/versitygw-$version"
if [ -x "$binary" ]; then
  echo "$binary is there already"
  exit 0
fi
mkdir -p "$tools"
building=$(mktemp -d "$tools/building.XXXXXX")
trap 'rm -rf "$building"' EXIT
echo "building versitygw $version (about four minutes)"
GOBIN="$building" nice -n 10 go install "github.com/versity/versitygw/cmd/versitygw@$version"
mv "$building/versitygw" "$binary"
echo "$binary"
