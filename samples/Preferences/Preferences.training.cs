using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;

namespace PreferencesSample;

/// <summary>How the model is made.</summary>
public static partial class Preferences
{
    private const int Context = 192;

    /// <summary>One table feeds the whole chain: SFT learns prompt and chosen, the reward model the pair, PPO completes the prompts.</summary>
    internal static TransformerChain<TextGenerationTransformer> Train(MLContext ml, IDataView rows, TextTokenizer tokenizer, int passes, int ppoSteps, IProgress<StepReport> progress)
    {
        ModelConfig config = ModelConfig.Gpt2(tokenizer.VocabularySize, 128, 3, 4, Context) with { ResidualDropout = 0, EmbeddingDropout = 0, AttentionDropout = 0 };
        var generation = new GenerationOptions { MaxNewTokens = 24, TopK = 50 };
        var pipeline = ml.Trl()
            .Sft(ModelSource.New(config, tokenizer), new SftOptions { CompletionColumnName = "Chosen", MaxLength = Context, LearningRate = 1e-3, NumTrainEpochs = passes, Generation = generation }, progress: progress)
            .Append(ml.Trl().RewardModel(new RewardOptions { MaxLength = Context, LearningRate = 3e-4, NumTrainEpochs = 2, CenterRewardsCoefficient = 0.01 }, progress: progress))
            .Append(ml.Trl().Ppo(new PpoOptions { Steps = ppoSteps * 32, BatchSize = 32, MiniBatchSize = 8, LearningRate = 1e-4, Generation = generation }, progress: progress));
        return pipeline.Fit(rows);
    }

    /// <summary>DPO from the same table and the same starting point.</summary>
    internal static TextGenerationTransformer TrainFromPairs(MLContext ml, IDataView rows, ITransformer start, double passes, IProgress<StepReport> progress) =>
        ml.Trl()
            .Dpo(ModelSource.FromTransformer(start), new DpoOptions { MaxLength = Context, LearningRate = 5e-5, NumTrainEpochs = passes, LoggingSteps = 5 }, progress: progress)
            .Fit(rows);
}
