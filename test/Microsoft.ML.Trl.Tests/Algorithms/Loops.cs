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

    public static List<StepReport> Orpo(CausalLanguageModel policy, OrpoOptions options, IReadOnlyList<PreferenceExample> pairs) =>
        Pairs(policy, options.Validated(), new OrpoObjective(options), pairs);

    public static List<StepReport> Cpo(CausalLanguageModel policy, CpoOptions options, IReadOnlyList<PreferenceExample> pairs) =>
        Pairs(policy, options.Validated(), new CpoObjective(options), pairs);

    public static List<StepReport> Kto(
        CausalLanguageModel policy, CausalLanguageModel? reference, KtoOptions options, IReadOnlyList<UnpairedExample> examples) =>
        Unpaired(policy, reference, options.Validated(), new KtoObjective(options), examples);

    public static List<StepReport> Bco(
        CausalLanguageModel policy, CausalLanguageModel? reference, BcoOptions options, IReadOnlyList<UnpairedExample> examples) =>
        Unpaired(policy, reference, options.Validated(), new BcoObjective(options, null), examples);

    private static List<StepReport> Pairs(
        CausalLanguageModel policy, PreferenceOptions options, IPairObjective objective, IReadOnlyList<PreferenceExample> pairs)
    {
        var progress = new Collected();
        new PairLoop("Pairs", policy, options, objective, progress).Run(pairs);
        return progress.Reports;
    }

    private static List<StepReport> Unpaired(
        CausalLanguageModel policy, CausalLanguageModel? reference, UnpairedOptions options, IUnpairedObjective objective,
        IReadOnlyList<UnpairedExample> examples)
    {
        var progress = new Collected();
        new UnpairedLoop("Unpaired", policy, reference, options, progress).Run(examples, objective);
        return progress.Reports;
    }

    public static List<StepReport> Grpo(
        CausalLanguageModel policy, CausalLanguageModel? reference, GrpoOptions options, GroupWork work, Action<StepReport>? also = null) =>
        Groups(policy, reference, options.Validated(), new GrpoObjective(options), work, also);

    public static List<StepReport> Rloo(
        CausalLanguageModel policy, CausalLanguageModel? reference, RlooOptions options, GroupWork work, Action<StepReport>? also = null) =>
        Groups(policy, reference, options.Validated(), new RlooObjective(options), work, also);

    private static List<StepReport> Groups(
        CausalLanguageModel policy, CausalLanguageModel? reference, GroupOptions options, IGroupObjective objective, GroupWork work,
        Action<StepReport>? also)
    {
        var progress = new Collected(also);
        new GroupLoop("Groups", policy, options, objective, progress).Run(work, reference);
        return progress.Reports;
    }

    public static List<StepReport> ExperimentalPpo(
        CausalLanguageModel policy, RewardModel value, CausalLanguageModel? reference, ExperimentalPpoOptions options, EpisodeWork work,
        EpisodeReplay? replay = null, Action<StepReport>? also = null)
    {
        var progress = new Collected(also);
        new EpisodeLoop(policy, value, options.Validated(), progress, replay).Run(work, reference);
        return progress.Reports;
    }
}
