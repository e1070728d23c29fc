using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>Starts training loops for the runs of the reference: the one place of those tests that knows how a loop is made.</summary>
internal static class Loops
{
    public static List<StepReport> Sft(CausalLanguageModel model, SftOptions options, IReadOnlyList<TokenExample> examples)
    {
        var progress = new Collected();
        new SftLoop(model, options, progress).Run(examples);
        return progress.Reports;
    }

    public static List<StepReport> Reward(RewardModel model, RewardOptions options, IReadOnlyList<PreferenceExample> pairs)
    {
        var progress = new Collected();
        new RewardLoop(model, options, progress).Run(pairs);
        return progress.Reports;
    }

    public static List<StepReport> Dpo(
        CausalLanguageModel policy, CausalLanguageModel? reference, DpoOptions options, IReadOnlyList<PreferenceExample> pairs)
    {
        var progress = new Collected();
        new DpoLoop(policy, reference, options, progress).Run(pairs);
        return progress.Reports;
    }
}
