using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;

namespace PreferencesSample;

/// <summary>How the model is made.</summary>
public static partial class Preferences
{
    /// <summary>
    /// One table feeds the whole chain: SFT learns prompt and chosen, the reward model the pair, PPO completes the prompts.
    /// </summary>
    internal static TransformerChain<TextGenerationTransformer> Train(
        MLContext ml, IDataView rows, TextTokenizer tokenizer, Settings settings, IProgress<StepReport> progress)
    {
        ModelSource writer = ModelSource.New(Settings.Model(tokenizer.VocabularySize), tokenizer);
        var pipeline = ml.Trl()
            .Sft(writer, settings.Sft, progress: progress)
            .Append(ml.Trl().RewardModel(settings.Reward, progress: progress))
            .Append(ml.Trl().Ppo(settings.Ppo, progress: progress));
        return pipeline.Fit(rows);
    }

    /// <summary>DPO from the same table and the same starting point.</summary>
    internal static TextGenerationTransformer TrainFromPairs(
        MLContext ml, IDataView rows, ITransformer start, Settings settings, IProgress<StepReport> progress) =>
        ml.Trl()
            .Dpo(ModelSource.FromTransformer(start), settings.Dpo, progress: progress)
            .Fit(rows);
}
