using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Metrics of a pass, by TRL's names.</summary>
internal static class GrpoFigures
{
    /// <summary>All of them; one transfer from the device.</summary>
    public static Dictionary<string, float> Of(GrpoRatios at, Tensor entropy, Tensor? kl, GrpoLossOptions options)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        List<(string Name, Tensor Value)> figures = [("entropy", entropy.mean())];
        if (kl is not null)
            figures.Add(("kl", kl.mean()));
        Tensor ratio = options.Delta is { } delta ? at.PerUnit.clamp_max(delta) : at.PerUnit;
        if (options.LossType == GrpoLossType.Cispo)
            figures.Add(("cispo_clip_ratio", Share((ratio > options.UpperEpsilon).logical_and(at.UnitAdvantages > 0)).mean()));
        if (options.Clips)
        {
            Tensor low = Share((ratio < 1 - options.Epsilon).logical_and(at.UnitAdvantages < 0));
            Tensor high = Share((ratio > 1 + options.UpperEpsilon).logical_and(at.UnitAdvantages > 0));
            figures.AddRange(
            [
                ("clip_ratio/low_mean", low.mean()), ("clip_ratio/high_mean", high.mean()), ("clip_ratio/region_mean", (low + high).mean()),
                ("clip_ratio/low_min", at.RowMeans(low).min()), ("clip_ratio/high_max", at.RowMeans(high).max()),
            ]);
        }
        float[] numbers = stack([.. figures.Select(figure => figure.Value)]).cpu().data<float>().ToArray();
        return figures.Zip(numbers).ToDictionary(pair => pair.First.Name, pair => pair.Second);
    }

    private static Tensor Share(Tensor isTrue) => isTrue.to_type(ScalarType.Float32);
}
