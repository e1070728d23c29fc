#!/usr/bin/env bash
# One command from a bare machine (Debian 12, .NET 10 SDK, g++, cmake) to a running demo or test run.
# usage: ./build.sh demo [options of the sample]   ./build.sh test [options of dotnet test]   ./build.sh setup
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
local_props=eng/local.props

say() { printf '== %s\n' "$*"; }

die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "this step needs root: $*"; fi
}

# Asks the package feed once whether it holds the real packages, and remembers the answer.
choose_mode() {
  if [[ -f $local_props ]]; then
    mode=$(sed -n 's:.*<UseStandIns[^>]*>\(true\|false\)</UseStandIns>.*:\1:p' "$local_props")
    say "mode: $(describe "$mode") (remembered in $local_props; delete the file to ask the feed again)"
    return
  fi
  say "asking the package feed for Microsoft.ML and TorchSharp"
  local probe log
  probe=$(mktemp -d); log=$probe/log
  cat >"$probe/probe.csproj" <<'P'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Microsoft.ML" Version="5.0.0" />
    <PackageReference Include="Microsoft.ML.Tokenizers" Version="2.0.0" />
    <PackageReference Include="Microsoft.Data.Analysis" Version="0.23.0" />
    <PackageReference Include="TorchSharp" Version="0.107.0" />
  </ItemGroup>
</Project>
P
  if dotnet restore "$probe/probe.csproj" >"$log" 2>&1; then
    mode=false; say "mode: $(describe false): the feed has all four packages"
  elif grep -q 'NU1101\|NU1102' "$log"; then
    mode=true
    say "mode: $(describe true): the feed lacks $(grep -o 'Unable to find package [A-Za-z.]*' "$log" | awk '{print $NF}' | sed 's/\.$//' | sort -u | paste -sd, | sed 's/,/, /g')"
  else
    cat "$log" >&2; rm -rf "$probe"; die "the package feed did not answer (above); nothing was chosen. Try again, or build with -p:UseStandIns=true|false."
  fi
  rm -rf "$probe"
  cat >"$local_props" <<P
<Project>
  <PropertyGroup>
    <UseStandIns Condition="'\$(UseStandIns)' == ''">$mode</UseStandIns>
  </PropertyGroup>
</Project>
P
}

describe() { if [[ $1 == true ]]; then echo "stand-ins (eng/standins)"; else echo "real packages"; fi; }

# Debian's libtorch and the OpenMP build of OpenBLAS (the pthread build fights with libtorch's threads).
install_libtorch() {
  if [[ -n ${TORCH_ROOT:-} ]]; then say "libtorch: $TORCH_ROOT (TORCH_ROOT)"; return; fi
  local missing=()
  for package in libtorch-dev libopenblas0-openmp cmake g++; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  if [[ ${#missing[@]} == 0 ]]; then say "libtorch: Debian's libtorch-dev and libopenblas0-openmp are installed"; return; fi
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

build_native() {
  say "native part of the TorchSharp stand-in"
  bash eng/standins/build-native.sh ${TORCH_ROOT:+--torch-root "$TORCH_ROOT"}
}

setup() {
  command -v dotnet >/dev/null || die "no dotnet on PATH: install the .NET 10 SDK"
  choose_mode
  if [[ $mode == true ]]; then install_libtorch; build_native; fi
}

run_tests() {
  say "tests"
  dotnet test Microsoft.ML.Trl.sln -c Release --nologo "$@"
  if [[ $mode == true ]]; then
    say "tests of the stand-ins"
    dotnet test eng/standins/StandIns.sln -c Release --nologo "$@"
  fi
}

run_demo() {
  say "building samples/PositiveReviews"
  dotnet build samples/PositiveReviews -c Release -v quiet --nologo
  say "running samples/PositiveReviews"
  dotnet run --project samples/PositiveReviews -c Release --no-build -- "$@"
}

command=${1:-}
[[ $# -gt 0 ]] && shift
case $command in
  demo) setup; run_demo "$@" ;;
  test) setup; run_tests "$@" ;;
  setup) setup ;;
  *) sed -n '2,3s/^# //p' "$0"; exit 2 ;;
esac
