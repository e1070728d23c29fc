using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>The tensors of one fixture file. Read inside a dispose scope.</summary>
internal sealed class FixtureTensors(params string[] path) : IDisposable
{
    private readonly SafetensorsFile _file = SafetensorsFile.Open(Fixtures.Path(path));

    public IEnumerable<string> Names => _file.Entries.Keys;

    public Tensor this[string name] => _file.Read(name);

    public bool Has(string name) => _file.Entries.ContainsKey(name);

    public int[][] Rows(string name)
    {
        using var scope = NewDisposeScope();
        Tensor table = this[name].to_type(ScalarType.Int64);
        return [.. table.data<long>().ToArray().Select(id => (int)id).Chunk((int)table.shape[^1])];
    }

    public float[] Floats(string name)
    {
        using var scope = NewDisposeScope();
        return this[name].to_type(ScalarType.Float32).contiguous().data<float>().ToArray();
    }

    public void Dispose() => _file.Dispose();
}
