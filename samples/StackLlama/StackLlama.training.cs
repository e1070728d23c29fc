using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;

namespace StackLlamaSample;

/// <summary>How the model is made.</summary>
public static partial class StackLlama
{
    private const int VocabularySize = 512;

    /// <summary>
    /// Three stages, three adapters, one base: SFT learns the better answers, the reward model which answer is the better one, and PPO
    /// teaches the SFT policy to please it. The reference of PPO is the policy without the adapter that PPO trains.
    /// </summary>
    internal static TransformerChain<TextGenerationTransformer> Train(
        MLContext ml, string baseFolder, IDataView rows, Settings settings, IProgress<StepReport> progress)
    {
        var pipeline = ml.Trl().Sft(ModelSource.Folder(baseFolder), settings.Sft, progress: progress)
            .Append(ml.Trl().RewardModel(settings.Reward, progress: progress))
            .Append(ml.Trl().Ppo(settings.Ppo, progress: progress));
        return pipeline.Fit(rows);
    }

    /// <summary>A small LLaMA that has read all answers, good and bad: what the stages start from where no model was given.</summary>
    internal static void Pretrain(
        MLContext ml, string folder, IReadOnlyList<RankedAnswers> rows, Settings settings, IProgress<StepReport> progress)
    {
        TextRow[] texts = [.. rows
            .SelectMany(row => new[] { row.Chosen, row.Rejected }, (row, answer) => new TextRow { Text = row.Prompt + answer })];
        TextTokenizer tokenizer = BpeTrainer.Train(texts.Select(row => row.Text), VocabularySize);
        ModelConfig shape = ModelConfig.Llama(
            tokenizer.VocabularySize, hiddenSize: 128, intermediateSize: 352, layers: 4, heads: 4, contextLength: 256);
        using TextGenerationTransformer model = ml.Trl()
            .Sft(ModelSource.New(shape, tokenizer, seed: 1), settings.Pretraining, progress: progress)
            .Fit(ml.Data.LoadFromEnumerable(texts));
        model.SaveHuggingFace(folder);
    }

    /// <summary>The adapter of every stage as PEFT saves it, and the whole policy merged into one folder that needs no adapters.</summary>
    internal static void Save(TransformerChain<TextGenerationTransformer> assistant, string output)
    {
        var sft = (TextGenerationTransformer)assistant.ElementAt(0);
        var judge = (RewardTransformer)assistant.ElementAt(1);
        LanguageModel policy = assistant.LastTransformer.Model;
        sft.Model.Network.SaveAdapter(Path.Combine(output, "sft-adapter"));
        judge.Model.Network.SaveAdapter(Path.Combine(output, "reward-adapter"));
        policy.Network.SaveAdapter(Path.Combine(output, "ppo-adapter"), policy.Network.AdapterNames()[^1]);
        policy.Save(Path.Combine(output, "merged"));
    }

    private sealed class TextRow
    {
        public string Text { get; set; } = "";
    }
}
