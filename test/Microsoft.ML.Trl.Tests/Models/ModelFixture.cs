using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>A tiny model of the reference stack with what it computed.</summary>
internal sealed class ModelFixture : IDisposable
{
    /// <summary>The decoders of all families and their variants.</summary>
    public static IEnumerable<object[]> Decoders { get; } =
    [
        .. new[]
        {
            "gpt2", "gpt_neo", "gptj", "gpt_neox", "opt", "opt_proj", "bloom", "falcon", "falcon_alibi", "llama", "llama_linear_rope",
            "llama3_rope", "mistral", "qwen2", "qwen3", "phi", "phi3", "gemma", "gemma2",
        }.Select(name => new object[] { name }),
    ];

    /// <summary>All that write texts: the decoders, and encoder-decoders.</summary>
    public static IEnumerable<object[]> Writers { get; } = [.. Decoders, ["t5"]];

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

    /// <summary>Whether a forward of transformers, which counts padding on the left, reads other positions than ours.</summary>
    public bool HasLearnedPositions => Info.GetProperty("model_type").GetString() is "gpt2" or "gpt_neo";

    /// <summary>Column of <c>g.*</c> where the new tokens begin: behind the prompts, or behind a decoder's start token.</summary>
    public int AnswerStart => Info.GetProperty("model_type").GetString() == "t5" ? 1 : (int)this["g.input_ids"].shape[1];

    public bool Has(string name) => _expected.Entries.ContainsKey(name);

    /// <summary>
    /// Starts the table of learned positions, where there is one, at a later row: a text then reads what it would read behind padding
    /// that is counted.
    /// </summary>
    /// <remarks>Rotary positions do not notice: attention sees differences of positions only.</remarks>
    public static void ShiftPositions(IEnumerable<(string Name, Tensor Value)> weights, int padding)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach ((_, Tensor table) in weights.Where(weight => weight.Name.EndsWith("wpe.weight", StringComparison.Ordinal)))
            table.copy_(table.roll([-padding], [0]));
    }

    /// <summary>The real tokens of each row, and how much padding lies before them.</summary>
    public static IEnumerable<(long[] Ids, int Padding)> LeftPadded(Tensor ids, Tensor mask)
    {
        int width = (int)ids.shape[1];
        foreach ((long[] row, long[] real) in ids.data<long>().ToArray().Chunk(width).Zip(mask.data<long>().ToArray().Chunk(width)))
        {
            int padding = Array.IndexOf(real, 1);
            yield return (row[padding..], padding);
        }
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
