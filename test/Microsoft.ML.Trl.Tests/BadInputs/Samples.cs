using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Good models that bad inputs are given to, made once and never changed.</summary>
internal static class Samples
{
    /// <summary>40 tokens, width 16, 2 blocks of 2 heads, context 32.</summary>
    public static ModelConfig Config { get; } = ModelConfig.Gpt2(40, 16, 2, 2, 32, dropout: 0);

    public static MLContext Ml { get; } = new(1);

    private static readonly Lazy<CausalLanguageModel> MadeNetwork = new(() => CausalLanguageModel.Create(Config, 1));
    private static readonly Lazy<RewardModel> MadeScorer = new(() => RewardModel.Create(Config, 1));
    private static readonly Lazy<ValueHead> MadeHead = new(() => ValueHead.Create(16, 1));
    private static readonly Lazy<LanguageModel> MadeLanguage = new(() => Tiny.Model());
    private static readonly Lazy<TextRewardModel> MadeReward = new(() =>
        new TextRewardModel(RewardModel.Create(Tiny.Config(), 1), Tiny.Tokenizer));

    /// <summary>Of <see cref="Config"/>.</summary>
    public static CausalLanguageModel Network => MadeNetwork.Value;

    /// <summary>Of <see cref="Config"/>.</summary>
    public static RewardModel Scorer => MadeScorer.Value;

    /// <summary>For states of <see cref="Config"/>.</summary>
    public static ValueHead Head => MadeHead.Value;

    public static LanguageModel Language => MadeLanguage.Value;

    public static TextRewardModel Reward => MadeReward.Value;
}
