#!/usr/bin/env bash
# The one door: each command does all the set-up that it needs.
# usage: ./build.sh demo [options of the sample]       trains and shows samples/PositiveReviews
#        ./build.sh test [options of dotnet test]      runs every test
#        ./build.sh pack [options of dotnet pack]      writes the NuGet package to artifacts/package/release
#        eval "$(./build.sh env)"                      prepares this shell for plain dotnet and an IDE started from it
set -euo pipefail
cd "$(dirname "$0")"
case ${1:-} in
  demo|test|pack|env) command=$1; shift; exec bash "build/$command.sh" "$@" ;;
  *) sed -n '3,6s/^# //p' build.sh >&2; exit 2 ;;
esac
