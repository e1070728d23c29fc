#!/usr/bin/env bash
# Builds the native part of the TorchSharp stand-in against a libtorch; does nothing when it is up to date.
#   eng/standins/build-native.sh [--torch-root DIR] [--out DIR]
# DIR of --torch-root holds include/ and lib/: /usr (Debian's libtorch-dev, the default) or .../site-packages/torch.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${TORCH_ROOT:-/usr}
out=$(cd "$here/../.." && pwd)/artifacts/native
while (($#)); do
  case $1 in
    --torch-root) root=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    *) echo "usage: $0 [--torch-root DIR] [--out DIR]" >&2; exit 64 ;;
  esac
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
log=$out/build.log
if ! { cmake -S "$here/TorchSharp.Native" -B "$out/obj" -DTORCH_ROOT="$root" -DCMAKE_BUILD_TYPE=Release -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$out" &&
  cmake --build "$out/obj" --parallel "$(nproc)"; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "The native part of the TorchSharp stand-in did not build; the whole log is $log" >&2
  exit 1
fi
echo "$out/libTorchSharpStandIn.so"
