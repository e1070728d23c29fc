# ./build.sh demo
source build/common.sh
set_up
say "building and running samples/PositiveReviews${*:+ $*}"
exec dotnet run --project samples/PositiveReviews -c Release -- "$@"
