using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.PpoExperimental;

/// <summary>What a recorded run has decided already, errors of its trainer included; other runs decide it by their options.</summary>
/// <param name="RowOrder">Given the rows of a step, their order in the next epoch.</param>
/// <param name="Updates">Given that order, the updates of the epoch, each as the rows of its forward passes.</param>
internal sealed record EpisodeReplay(Func<int, int[]> RowOrder, Func<int[], IEnumerable<int[][]>> Updates)
{
    /// <summary>The states [n, H] of a model that predict the response tokens of some rows.</summary>
    public Func<DecoderModel, RolloutPart, Tensor> HiddenStates { get; init; } =
        (model, part) => model.Body.HiddenAt(part.Ids, part.Positions);

    /// <summary>
    /// Whether the last token of a response stands behind its end: the value model alone learns it, and the score is put there.
    /// </summary>
    public Func<int[], bool> GoesPastEnd { get; init; } = _ => false;

    /// <summary>What the costs of a pass are divided by: from its tokens, those of its update, and the passes of that.</summary>
    public Func<int, int, int, int> Divisor { get; init; } = (_, update, _) => update;

    /// <summary>Told of each forward pass: its rows and what they came to. Null = nobody.</summary>
    public Action<int[], EpisodeSums>? Learned { get; init; }

    /// <summary>An ordinary run.</summary>
    public static EpisodeReplay Of(ExperimentalPpoOptions options)
    {
        var rng = new Random(options.Seed);
        return new EpisodeReplay(
            rows => PromptStream.Shuffled(rows, rng),
            order => order.Chunk(options.MiniBatchSize).Select(rows => rows.Chunk(options.PerDeviceTrainBatchSize).ToArray()));
    }
}
