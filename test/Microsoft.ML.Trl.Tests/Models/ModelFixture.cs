using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>A tiny model of the reference stack with what it computed.</summary>
internal sealed class ModelFixture : IDisposable
{
    private readonly SafetensorsFile _expected;
    private readonly DisposeScope _scope = NewDisposeScope();

    public ModelFixture(string name)
    {
        Folder = Fixtures.Path("models", name);
        _expected = SafetensorsFile.Open(Path.Combine(Folder, "expected.safetensors"));
        using JsonDocument info = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "info.json")));
        Info = info.RootElement.Clone();
    }

    public string Folder { get; }

    public JsonElement Info { get; }

    public Tensor this[string name] => _expected.Read(name);

    public bool Has(string name) => _expected.Entries.ContainsKey(name);

    /// <summary>Largest absolute difference, where <paramref name="where"/> is not 0.</summary>
    public static double Distance(Tensor actual, Tensor expected, Tensor? where = null)
    {
        using var scope = NewDisposeScope();
        CollectionAssert.AreEqual(expected.shape, actual.shape);
        Tensor difference = (actual.to_type(ScalarType.Float64) - expected.to_type(ScalarType.Float64)).abs();
        if (where is not null)
            difference = difference * where.unsqueeze(-1);
        return difference.max().item<double>();
    }

    public static Tensor Logits(CausalLanguageModel model, Tensor ids, Tensor? mask = null)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return model.Logits(model.Hidden(ids, mask)).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _scope.Dispose();
        _expected.Dispose();
    }
}
