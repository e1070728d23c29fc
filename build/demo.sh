# ./build.sh demo
source build/common.sh
set_up
say "building samples/PositiveReviews"
dotnet build samples/PositiveReviews -c Release -v quiet --nologo -clp:NoSummary >&2
say "running samples/PositiveReviews $*"
exec dotnet run --project samples/PositiveReviews -c Release --no-build -- "$@"
