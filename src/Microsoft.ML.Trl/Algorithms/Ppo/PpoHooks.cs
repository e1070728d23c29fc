using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What a replay of a recorded run needs to fix; ordinary sessions take the defaults.</summary>
internal sealed record PpoHooks
{
    /// <summary>Order of the rows in each epoch.</summary>
    public required IRowOrder RowOrder { get; init; }

    /// <summary>The states of a part that predict response tokens, [n, H].</summary>
    public Func<CausalLanguageModel, PpoPart, Tensor> States { get; init; } = static (model, part) => model.HiddenAt(part.Ids, part.Positions);

    /// <summary>Longest gradient of an update, from its number (counted from 0) and the limit of the options; 0 = no limit.</summary>
    public Func<int, double?, double> GradientLimit { get; init; } = static (_, limit) => limit ?? 0;

    /// <summary>The hooks of an ordinary session.</summary>
    public static PpoHooks Seeded(int seed) => new() { RowOrder = new SeededRowOrder(seed) };
}
