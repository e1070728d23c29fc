#!/usr/bin/env bash
# usage: make-proxy.sh FOLDER
# Where the system's libstdc++ is older than GCC 13's, builds the proxy (README.md) in FOLDER and prints FOLDER's absolute path;
# prints nothing where none is needed. Exit status 3: a tool is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
[[ $(uname -sm) == "Linux x86_64" ]] || exit 0 # TorchSharp has no other Linux build

# The library that the dynamic loader would take, without any search path of ours.
PATH=$PATH:/usr/sbin:/sbin
libraries=$(ldconfig -p 2>/dev/null || true)
system=$(awk '$1 == "libstdc++.so.6" && /x86-64/ && !found++ { print $NF }' <<<"$libraries")
[[ -n $system ]] || { echo "make-proxy.sh: no libstdc++.so.6 is installed; install your distribution's C++ runtime (libstdc++6)" >&2; exit 1; }
system=$(readlink -f "$system")
grep -q 'GLIBCXX_3\.4\.32' "$system" && exit 0

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
proxy=$folder/libstdc++.so.6
if [[ ! -f $proxy || $here/ios_init.cpp -nt $proxy || $system -nt $proxy || ! $folder/libstdc++-system.so.6 -ef $system ]]; then
  for tool in g++ readelf; do
    command -v $tool >/dev/null || { echo "make-proxy.sh: $system is older than GCC 13's and needs the proxy; $tool, which builds it, is missing" >&2; exit 3; }
  done
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  { { readelf -VW "$system" | sed -n '/Version definition/,/Version needs/p' | grep -oE 'Name: (GLIBCXX|CXXABI)[A-Za-z0-9_.]*' | awk '{ print $2 " { };" }'
      echo 'GLIBCXX_3.4.31 { };'
    } | sort -u
    echo 'GLIBCXX_3.4.32 { global: _ZSt21ios_base_library_initv; local: *; };'
  } >"$work/versions.map"
  # A stub that carries the name under which the proxy finds the system's library: without it the proxy would depend on its own name.
  g++ -shared -o "$work/libstdc++-system.so.6" -Wl,-soname,libstdc++-system.so.6 -x c /dev/null -nostdlib
  g++ -shared -fPIC -O2 -o "$work/libstdc++.so.6" "$here/ios_init.cpp" -nodefaultlibs -Wl,-soname,libstdc++.so.6 \
    -Wl,--version-script="$work/versions.map" -Wl,--no-as-needed "$work/libstdc++-system.so.6" -Wl,--unresolved-symbols=ignore-all -lc
  ln -sf "$system" "$folder/libstdc++-system.so.6"
  mv "$work/libstdc++.so.6" "$proxy"
fi
echo "$folder"
