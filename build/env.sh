# ./build.sh env
source build/common.sh
make_runtime_proxy
if [[ -n $runtime_proxy ]]; then
  printf 'export LD_LIBRARY_PATH=%q${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\n' "$runtime_proxy"
else
  echo "# nothing to export: this system's C++ runtime is new enough"
fi
