# ./build.sh test
source build/common.sh
set_up
exec dotnet test Microsoft.ML.Trl.sln -c Release --nologo "$@"
