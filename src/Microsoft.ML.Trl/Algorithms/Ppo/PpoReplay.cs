using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What a recorded run has decided already; other runs decide it by their options.</summary>
/// <param name="RowOrder">Given the rows of a batch, their order in the next epoch.</param>
/// <param name="MaxGradNorm">Largest gradient norm of an update, by its number (counted from 0); 0 = no limit.</param>
/// <param name="HiddenStates">The states [n, H] of a model that predict the response tokens of some rows.</param>
internal sealed record PpoReplay(
    Func<int, int[]> RowOrder, Func<int, double> MaxGradNorm, Func<CausalLanguageModel, RolloutPart, Tensor> HiddenStates)
{
    /// <summary>An ordinary run.</summary>
    public static PpoReplay Seeded(PpoOptions options)
    {
        var rng = new Random(options.Seed);
        return new PpoReplay(
            rows => PromptStream.Shuffled(rows, rng),
            _ => options.MaxGradNorm,
            (model, part) => model.HiddenAt(part.Ids, part.Positions, part.Prompts));
    }
}
