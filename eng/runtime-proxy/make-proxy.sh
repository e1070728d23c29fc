#!/usr/bin/env bash
# usage: make-proxy.sh FOLDER
# Where the system's libstdc++ is older than GCC 13's, builds the proxy (README.md) in FOLDER and prints FOLDER's absolute path; prints nothing where none is needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
[[ $(uname -s) == Linux ]] || exit 0

# The library that the dynamic loader would take, without any search path of ours.
system=$(env -u LD_LIBRARY_PATH ldconfig -p 2>/dev/null | awk -v arch="$(uname -m | sed 's/_/-/')" '$1 == "libstdc++.so.6" && index($0, arch) { print $NF; exit }')
[[ -n $system ]] || { echo "make-proxy.sh: no libstdc++.so.6 is installed; install your distribution's C++ runtime (libstdc++6)" >&2; exit 1; }
system=$(readlink -f "$system")
grep -q 'GLIBCXX_3\.4\.32' "$system" && exit 0

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [[ ! -f $folder/libstdc++.so.6 || $here/ios_init.cpp -nt $folder/libstdc++.so.6 || $system -nt $folder/libstdc++.so.6 ]]; then
  for tool in g++ readelf; do
    command -v $tool >/dev/null || { echo "make-proxy.sh: $tool is missing: $system is older than GCC 13's and needs the proxy; install g++ and binutils" >&2; exit 1; }
  done
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  { readelf -VW "$system" | sed -n '/Version definition/,/Version needs/p' | grep -oE 'Name: (GLIBCXX|CXXABI)[A-Za-z0-9_.]*' | awk '{ print $2 " { };" }' | sort -u
    echo 'GLIBCXX_3.4.31 { };'
    echo 'GLIBCXX_3.4.32 { global: _ZSt21ios_base_library_initv; local: *; };'
  } >"$work/versions.map"
  # A stub that carries the name under which the proxy finds the system's library: without it the proxy would depend on its own name.
  g++ -shared -o "$work/libstdc++-system.so.6" -Wl,-soname,libstdc++-system.so.6 -x c /dev/null -nostdlib
  g++ -shared -fPIC -O2 -o "$work/libstdc++.so.6" "$here/ios_init.cpp" -nodefaultlibs -Wl,-soname,libstdc++.so.6 \
    -Wl,--version-script="$work/versions.map" -Wl,--no-as-needed "$work/libstdc++-system.so.6" -Wl,--unresolved-symbols=ignore-all -lc
  ln -sf "$system" "$folder/libstdc++-system.so.6"
  mv "$work/libstdc++.so.6" "$folder/libstdc++.so.6"
fi
echo "$folder"
