namespace Microsoft.ML.Trl;

public sealed partial record RaftOptions
{
    private const double Rounding = 1e-9; // 0.3 of 3 is 0.9 of 1, whatever the bits say

    /// <summary>Completions of each prompt.</summary>
    internal int SamplesPerPrompt =>
        CollectionStrategy == CollectionStrategy.Local ? (int)((1 / TopRewardPercentage) + Rounding) : 1;

    /// <summary>Prompts that an iteration answers.</summary>
    internal int PromptsPerIteration =>
        CollectionStrategy == CollectionStrategy.Local ? RaftBatchSize : (int)((RaftBatchSize / TopRewardPercentage) + Rounding);

    /// <summary>Draws the most new tokens.</summary>
    internal LengthSampler Lengths => new(OutputMinLength, OutputMaxLength, Seed);

    /// <summary>Columns and generation options of the fitted stage.</summary>
    internal PolicyOutput Output => new(OutputColumnName, ScoreColumnName, PromptColumnName, Generation, Conversations);

    private protected override string UsualBestMetric => "reward";

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect().Concat(Generation.WithoutEffect()))
            yield return unused;
        if (PaddingFree && PerDeviceTrainBatchSize == 1)
            yield return "PaddingFree with PerDeviceTrainBatchSize 1";
    }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal RaftOptions Validated()
    {
        ValidateEpochs();
        ValidateCollection();
        ValidateGeneration();
        Require.AtLeast(MaxPromptLength, 1);
        if (TurnMarker is not null && string.IsNullOrWhiteSpace(TurnMarker))
            throw new ArgumentException("TurnMarker is empty; give the text that begins a turn, or null.", nameof(TurnMarker));
        Require.AtLeast(MinCompletionCharacters, 0);
        foreach (double weight in RewardWeights ?? [])
            Require.Finite(weight, nameof(RewardWeights));
        RequirePath(OutputDir, nameof(OutputDir));
        RequirePath(OutputRewardPath, nameof(OutputRewardPath));
        Require.NotNegative(RouterAuxLossCoef);
        Require.AtLeast(NumCompletionsToPrint, 0);
        Output.Validate();
        return this;
    }

    private void ValidateCollection()
    {
        if (MaxSteps != -1)
            throw new ArgumentException(
                $"MaxSteps ({MaxSteps}) has no meaning in RAFT, where NumRaftIteration and NumTrainEpochs say how long a run is; leave it "
                + "at -1.", nameof(MaxSteps));
        Require.AtLeast(NumRaftIteration, 1);
        Require.AtLeast(RaftBatchSize, 1);
        Require.Known(CollectionStrategy);
        Require.Positive(TopRewardPercentage);
        Require.Between(TopRewardPercentage, 0, 1);
        if (CollectionStrategy == CollectionStrategy.Local && TopRewardPercentage > 0.5)
            throw new ArgumentException(FormattableString.Invariant(
                $"TopRewardPercentage ({TopRewardPercentage}) must be 0.5 or less with CollectionStrategy Local, which answers each ")
                + "prompt 1 over it times and keeps the best answer.", nameof(TopRewardPercentage));
        if (RaftBatchSize / TopRewardPercentage > int.MaxValue)
            throw new ArgumentException(FormattableString.Invariant(
                $"RaftBatchSize ({RaftBatchSize}) over TopRewardPercentage ({TopRewardPercentage}) is more than {int.MaxValue} ")
                + "completions; lower the one, or raise the other.", nameof(TopRewardPercentage));
    }

    private void ValidateGeneration()
    {
        Require.AtLeast(OutputMinLength, 1);
        if (OutputMaxLength <= OutputMinLength)
            throw new ArgumentException(
                $"OutputMaxLength ({OutputMaxLength}) must be greater than OutputMinLength ({OutputMinLength}): lengths are drawn from "
                + "the one to the other, which is not among them.", nameof(OutputMaxLength));
        Require.AtLeast(InferenceBatchSizePerDevice, 1);
        ArgumentNullException.ThrowIfNull(Generation);
        Generation.ValidatedForOne("RAFT, whose TopRewardPercentage says how many there are");
        if (Generation.MinNewTokens > OutputMinLength)
            throw new ArgumentException(
                $"MinNewTokens of Generation ({Generation.MinNewTokens}) must not be more than OutputMinLength ({OutputMinLength}).",
                nameof(Generation));
        if (!Generation.DoSample && CollectionStrategy == CollectionStrategy.Local)
            throw new ArgumentException(
                "DoSample of Generation must be true with CollectionStrategy Local: all completions of a prompt would be equal.",
                nameof(Generation));
    }

    private static void RequirePath(string? path, string name)
    {
        if (path is not null && string.IsNullOrWhiteSpace(path))
            throw new ArgumentException($"{name} is empty; give a path, or null to write nothing.", name);
    }
}
