# ./build.sh pack
source build/common.sh
need_dotnet
exec dotnet pack src/Microsoft.ML.Trl -c Release --nologo "$@"
