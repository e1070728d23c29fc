# Sourced by the scripts of this folder, which run in the repository's root. Tells on standard error, so that standard output stays the command's own.
set -euo pipefail
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
PATH=$PATH:/usr/sbin:/sbin # where Debian keeps ldconfig

say() { printf '== %s\n' "$*" >&2; }

die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

need_dotnet() {
  command -v dotnet >/dev/null || die "dotnet is not on PATH; install the .NET 10 SDK"
  dotnet --version >/dev/null 2>&1 || die "the .NET SDK that global.json asks for ($(grep -o '10[0-9.]*' global.json) or a later 10.0) is not installed; found: $(cd / && dotnet --list-sdks | awk '{ print $1 }' | paste -sd' ' -)"
}

install_compiler() {
  if ! command -v apt-get >/dev/null; then die "g++ and binutils are missing, and this system has no apt-get; install both, then run this again"; fi
  local root=()
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || die "g++ and binutils are missing; run this as root: apt-get install g++ binutils"
    root=(sudo)
  fi
  say "installing g++ and binutils"
  ${root[@]+"${root[@]}"} apt-get update -qq >&2
  ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends g++ binutils >&2
}

# Where this system's C++ runtime is too old for TorchSharp, builds the proxy (eng/runtime-proxy). Sets runtime_proxy to its folder, or to nothing.
make_runtime_proxy() {
  local status=0
  runtime_proxy=$(bash eng/runtime-proxy/make-proxy.sh artifacts/runtime-proxy) || status=$?
  if [[ $status == 3 ]]; then # tools are missing
    install_compiler
    status=0
    runtime_proxy=$(bash eng/runtime-proxy/make-proxy.sh artifacts/runtime-proxy) || status=$?
  fi
  [[ $status == 0 ]] || exit "$status"
}

# Everything that a process on libtorch needs before it starts.
set_up() {
  need_dotnet
  make_runtime_proxy
  if [[ -n $runtime_proxy && :${LD_LIBRARY_PATH:-}: != *:"$runtime_proxy":* ]]; then
    export LD_LIBRARY_PATH=$runtime_proxy${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  fi
}
