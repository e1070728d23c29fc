# The gate: the README's test command on this checkout, the shortened demo, the package. Closes with one line "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_UI_LANGUAGE=en # the counts below are read from the output
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0

./build.sh test 2>&1 | tee "$log"
[[ ${PIPESTATUS[0]} == 0 ]] || status=1

# Each assembly closes with "Failed: 0, Passed: 12, Skipped: 0, Total: 12, ..."
sum() { grep -oE "$1: +[0-9]+" "$log" | awk '{ n += $2 } END { print n + 0 }'; }
passed=$(sum Passed) failed=$(sum Failed) skipped=$(sum Skipped)
[[ $status == 0 || $failed -gt 0 ]] || failed=1 # it did not build, or crashed
[[ $((passed + failed)) -gt 0 ]] || { echo "FAILED: no test ran"; failed=1 status=1; }

check() { # a further check counts as one test
  echo "== $1"
  if "${@:2}"; then passed=$((passed + 1)); else failed=$((failed + 1)) status=1; echo "FAILED: $1"; fi
}

check "shortened demo" ./build.sh demo --quick
check "shortened comparison" ./build.sh demo --quick --method grpo
check "shortened StackLlama" bash -c 'source build/common.sh; set_up; dotnet run --project samples/StackLlama -c Release -- --quick'
check "shortened Ddpo" bash -c 'source build/common.sh; set_up; dotnet run --project samples/Ddpo -c Release -- --quick'
check "shortened ToolUse" bash -c 'source build/common.sh; set_up; dotnet run --project samples/ToolUse -c Release -- --quick'
check "package" bash build/check-package.sh

echo "$skipped skipped"
echo "$passed passed, $failed failed"
exit $status
