# Packs the library, installs the package into the README's project outside the repository, and runs the README's program there on a tiny model.
source build/common.sh
set_up
project=src/Microsoft.ML.Trl
work=$(mktemp -d)
base=$(dotnet msbuild $project -getProperty:Version)
version=$base-check$(date +%Y%m%d%H%M%S).$$ # its own, so that the machine's package folder never holds another package of this name and version
installed=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: *//; s:/*$::')/microsoft.ml.trl/$version
trap 'rm -rf "$work" "$installed"; rmdir "$(dirname "$installed")" 2>/dev/null || true' EXIT

fail() { printf 'package check: %s\n' "$*" >&2; exit 1; }

# The README's first block of a language.
block() { awk -v fence="\`\`\`$1" '$0 == fence { on = 1; next } on && /^```/ { exit } on' README.md; }

say "packing $version"
dotnet pack $project -c Release --nologo -v quiet -p:PackageVersion="$version" -o "$work/packages"

mkdir "$work/app"
block xml | sed "s|\(Include=\"Microsoft.ML.Trl\" Version=\)\"$base\"|\1\"$version\"|" >"$work/app/App.csproj"
grep -q "\"$version\"" "$work/app/App.csproj" || fail "the README's project does not ask for Microsoft.ML.Trl $base"
cat >"$work/nuget.config" <<'X'
<configuration>
  <packageSources>
    <add key="packed" value="packages" />
  </packageSources>
</configuration>
X
cp build/TinyGpt2.cs "$work/app/Program.cs"
run_app() { (cd "$work/app" && CreateHardLinksForCopyLocalIfPossible=true dotnet run); }
say "making a tiny gpt2"
run_app
for file in config.json model.safetensors tokenizer.json; do
  [[ -s $work/app/gpt2/$file ]] || fail "no gpt2/$file was written"
done

say "looking into the package"
for file in README.md LICENSE; do
  cmp "$file" "$installed/$file" || fail "$file is missing or another one"
done
[[ $(ls "$installed/lib/net10.0" | paste -sd' ' -) == "Microsoft.ML.Trl.dll Microsoft.ML.Trl.xml" ]] || fail "lib/net10.0 holds $(ls "$installed/lib/net10.0" | paste -sd' ' -)"
references=$(grep -o '<PackageReference Include="[^"]*"' $project/*.csproj | cut -d'"' -f2 | sort | paste -sd' ' -)
dependencies=$(grep -o '<dependency id="[^"]*"' "$installed/microsoft.ml.trl.nuspec" | cut -d'"' -f2 | sort | paste -sd' ' -)
[[ $dependencies == "$references" ]] || fail "it depends on $dependencies; the project references $references"
! grep -aqF "$PWD" "$installed/lib/net10.0/Microsoft.ML.Trl.dll" || fail "the assembly names the folder that it was built in"
grep -aq 'lib/net10.0/Microsoft.ML.Trl.pdb' "$work"/packages/*.snupkg || fail "there are no symbols"

say "running the README's program"
block csharp >"$work/app/Program.cs"
run_app | tee "$work/output"
tail -n 1 "$work/output" | grep -qE '\(-?[0-9.,E-]+\)$' || fail "its last line is no completion with a score"
[[ -s $work/app/assistant.zip ]] || fail "it saved no assistant.zip"
say "the package installs and the README's program runs"
