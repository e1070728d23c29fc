using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>SFT, reward model, PPO and DPO on four rows, fitted once and saved once for all tests that read it.</summary>
internal static class SavedChain
{
    private static readonly Lazy<(MLContext, IDataView, TransformerChain<TextGenerationTransformer>, byte[])> Made = new(Make);

    public static MLContext Ml => Made.Value.Item1;

    public static IDataView Rows => Made.Value.Item2;

    public static TransformerChain<TextGenerationTransformer> Chain => Made.Value.Item3;

    /// <summary>The saved file.</summary>
    public static byte[] Zip => [.. Made.Value.Item4];

    public static T[] Read<T>(IDataView view)
        where T : class, new() => [.. Ml.Data.CreateEnumerable<T>(view, reuseRowObject: false, ignoreMissingColumns: false)];

    public static ITransformer Load(byte[] zip)
    {
        using var file = new MemoryStream(zip);
        return new MLContext().Model.Load(file, out _);
    }

    private static (MLContext, IDataView, TransformerChain<TextGenerationTransformer>, byte[]) Make()
    {
        var ml = new MLContext(1);
        IDataView rows = ml.Data.LoadFromEnumerable(Tiny.Pairs);
        var chain = ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 2, LearningRate = 1e-2, Generation = Tiny.Greedy })
            .Append(ml.Trl().RewardModel(new RewardOptions { MaxSteps = 2 }))
            .Append(
                ml.Trl().Ppo(new PpoOptions { Steps = 4, BatchSize = 4, MiniBatchSize = 2, LearningRate = 1e-3, Generation = Tiny.Greedy }))
            .Append(ml.Trl().Dpo(new DpoOptions { MaxSteps = 2, LearningRate = 1e-3 }))
            .Fit(rows);
        using var file = new MemoryStream();
        ml.Model.Save(chain, rows.Schema, file);
        return (ml, rows, chain, file.ToArray());
    }
}
